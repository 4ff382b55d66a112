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

    /// <summary>Takes memory of the managed heap, which frees it after its last use.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="pageOffset">How many bytes behind the start of a page it begins.</param>
    /// <exception cref="OutOfMemoryException">There is not so much memory.</exception>
    public static Memory<byte> AllocateManaged(int bytes, int pageOffset)
    {
        bool isLarge = OperatingSystem.IsLinux() && bytes >= (int)MemoryPages.HugePage;
        int page = isLarge ? (int)MemoryPages.HugePage : Environment.SystemPageSize;
        byte[] array = GC.AllocateUninitializedArray<byte>(checked(bytes + pageOffset + page), pinned: true);
        fixed (byte* start = array)
        {
            int skipped = (int)(-(nint)start & (page - 1));
            if (isLarge)
                MemoryPages.PreferHuge(start + skipped, (nuint)(pageOffset + bytes));
            return array.AsMemory(skipped + pageOffset, bytes);
        }
    }
}
