using System.Runtime.InteropServices;

namespace RobustTrain.Tests.Windows;

/// <summary>
/// Mends how Wine unwinds C++ exceptions. Its <c>__CxxFrameHandler4</c> runs the destructors of a frame only where the exception is caught
/// by a frame of its own; TorchSharp's library brings its own handler, so that an exception which leaves an operator of libtorch leaves
/// behind what the operator's guards have set: the thread records no gradients from then on. Windows' own handler runs them whoever catches.
/// </summary>
internal static unsafe partial class Unwinding
{
    private const string Library = "vcruntime140_1.dll";
    private const string Function = "__CxxFrameHandler4";
    private const uint CommitAndReserve = 0x3000;
    private const uint ExecuteReadWrite = 0x40;
    private const uint ReadWrite = 4;
    private const nint Granularity = 0x10000;

    /// <summary>Has libraries that are loaded from now on take a handler that passes such an exception on to Wine's as one of Wine's own.</summary>
    public static void Mend()
    {
        if (!NativeLibrary.TryGetExport(NativeLibrary.Load("ntdll.dll"), "wine_get_version", out _))
            return;
        byte* library = (byte*)NativeLibrary.Load(Library);
        int* entry = FindEntry(library);
        byte* handler = Write(Allocate(library), library + *entry);
        if (!Protect(entry, sizeof(int), ReadWrite, out uint before))
            throw new InvalidOperationException($"{Library} can't be written to: error {Marshal.GetLastPInvokeError()}.");
        *entry = (int)(handler - library);
        Protect(entry, sizeof(int), before, out _);
    }

    // Where the library's table of exports has the function's offset.
    private static int* FindEntry(byte* library)
    {
        byte* header = library + *(int*)(library + 0x3C);
        byte* exports = library + *(int*)(header + 24 + 112);
        int count = *(int*)(exports + 24);
        int* functions = (int*)(library + *(int*)(exports + 28));
        int* names = (int*)(library + *(int*)(exports + 32));
        ushort* ordinals = (ushort*)(library + *(int*)(exports + 36));
        for (int name = 0; name < count; name++)
        {
            if (Marshal.PtrToStringUTF8((nint)(library + names[name])) == Function)
                return functions + ordinals[name];
        }

        throw new InvalidOperationException($"{Library} has no {Function}.");
    }

    // Behind the library, where an offset of 32 bits reaches.
    private static byte* Allocate(byte* library)
    {
        for (nint offset = Granularity; offset < int.MaxValue; offset += Granularity)
        {
            void* found = Reserve(library + offset, 4096, CommitAndReserve, ExecuteReadWrite);
            if (found != null)
                return (byte*)found;
        }

        throw new InvalidOperationException($"There is no room near {Library}.");
    }

    private static byte* Write(byte* place, byte* handler)
    {
        ReadOnlySpan<byte> code =
        [
            0x81, 0x39, 0x29, 0x00, 0x00, 0x80, // cmp dword [rcx], STATUS_UNWIND_CONSOLIDATE: the record's code
            0x75, 0x29, // jne its own
            0xF7, 0x41, 0x04, 0x20, 0x00, 0x00, 0x00, // test dword [rcx+4], EXCEPTION_TARGET_UNWIND: the frame that catches
            0x75, 0x20, // jne its own
            0x53, // push rbx
            0x48, 0x83, 0xEC, 0x20, // sub rsp, 32
            0x48, 0x89, 0xCB, // mov rbx, rcx
            0xC7, 0x01, 0x63, 0x73, 0x6D, 0xE0, // mov dword [rcx], 0xE06D7363: a C++ exception
            0xFF, 0x15, 0x12, 0x00, 0x00, 0x00, // call [handler]
            0xC7, 0x03, 0x29, 0x00, 0x00, 0x80, // mov dword [rbx], STATUS_UNWIND_CONSOLIDATE
            0x48, 0x83, 0xC4, 0x20, // add rsp, 32
            0x5B, // pop rbx
            0xC3, // ret
            0xFF, 0x25, 0x00, 0x00, 0x00, 0x00, // its own: jmp [handler]
        ];
        code.CopyTo(new Span<byte>(place, code.Length));
        *(byte**)(place + code.Length) = handler;
        return place;
    }

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
    private static partial void* Reserve(void* place, nuint bytes, uint kind, uint protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualProtect", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool Protect(void* place, nuint bytes, uint protection, out uint before);
}
