using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>A segmentation fault in native code, which no runtime can turn into an exception.</summary>
internal static unsafe partial class NativeCrash
{
    /// <summary>Lets libc write to memory that nobody has.</summary>
    public static void WriteNowhere() => _ = MemorySet((void*)0x10, 1, 64);

    [LibraryImport("libc", EntryPoint = "memset")]
    private static partial nint MemorySet(void* target, int value, nuint count);
}
