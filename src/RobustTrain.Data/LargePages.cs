using System.Runtime.InteropServices;
using RobustTrain.Data.Loading;
using RobustTrain.Platform;

namespace RobustTrain.Data;

/// <summary>Memory that stays where it is, of large pages where there is much of it and the system has some for the asking.</summary>
public static unsafe class LargePages
{
    /// <summary>Takes memory outside of the managed heap; a system without large pages costs speed and nothing else. <see cref="NativeMemory.AlignedFree"/> gives it back.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="alignment">What its address is at least a multiple of; a power of two.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public static void* Allocate(nuint bytes, nuint alignment)
    {
        bool isLarge = OperatingSystem.IsLinux() && bytes >= MemoryPages.HugePage;
        void* memory = NativeMemory.AlignedAlloc(bytes, isLarge ? Math.Max(alignment, MemoryPages.HugePage) : alignment);
        if (isLarge)
            MemoryPages.PreferHuge(memory, bytes);
        return memory;
    }
}
