using System.ComponentModel;
using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>
/// Memory that processes of Linux share, without a name in <c>/dev/shm</c> (memfd_create(2)): it is gone with the last process that has it.
/// </summary>
public sealed unsafe class SharedMemory : IDisposable
{
    private const int CloseOnExec = 1;
    private const int OpenReadWriteCloseOnExec = 0x80002;
    private const int ProtectReadWrite = 3;
    private const int MapShared = 1;

    private readonly nuint _bytes;
    private int _descriptor;
    private byte* _start;

    private SharedMemory(int descriptor, long bytes)
    {
        _descriptor = descriptor;
        _bytes = (nuint)bytes;
        nint address = Libc.Map(0, _bytes, ProtectReadWrite, MapShared, descriptor, 0);
        if (address == -1)
        {
            int error = Marshal.GetLastPInvokeError();
            Close();
            throw new Win32Exception(error);
        }

        _start = (byte*)address;
    }

    /// <summary>Where it begins in this process.</summary>
    public byte* Start => _start;

    /// <summary>Where other processes of this user find it while this one has it.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_descriptor}";

    /// <summary>Makes memory, all zero, whose pages are all there: what does not fit fails here and not at the first touch.</summary>
    /// <exception cref="Win32Exception">There is not enough memory.</exception>
    public static SharedMemory Create(string name, long bytes)
    {
        int descriptor = Libc.CreateMemory(name, CloseOnExec);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        int error = Libc.Truncate(descriptor, bytes) == 0 ? Libc.Allocate(descriptor, 0, bytes) : Marshal.GetLastPInvokeError();
        if (error == 0)
            return new SharedMemory(descriptor, bytes);
        _ = Libc.Close(descriptor);
        throw new Win32Exception(error);
    }

    /// <summary>Takes a share in another process's memory.</summary>
    /// <exception cref="Win32Exception">The other process is gone.</exception>
    public static SharedMemory Open(string path, long bytes)
    {
        int descriptor = Libc.Open(path, OpenReadWriteCloseOnExec);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        SharedMemory memory = new(descriptor, bytes);
        memory.Close();
        return memory;
    }

    /// <summary>Gives it up in this process.</summary>
    public void Dispose()
    {
        if (_start is not null)
            _ = Libc.Unmap(_start, _bytes);
        _start = null;
        Close();
    }

    private void Close()
    {
        if (_descriptor >= 0)
            _ = Libc.Close(_descriptor);
        _descriptor = -1;
    }
}

/// <summary>What Linux does with pages of memory for the asking.</summary>
public static unsafe class MemoryPages
{
    /// <summary>The bytes of a transparent huge page on x86-64, and on Arm with pages of 4 KiB.</summary>
    public const uint HugePage = 2 << 20;

    private const int AdviseHugePages = 14;

    /// <summary>Asks for huge pages where memory is touched for the first time; a system that has none to give goes on with small ones.</summary>
    public static void PreferHuge(void* start, nuint bytes) => _ = Libc.Advise(start, bytes, AdviseHugePages);
}
