namespace RobustTrain.Platform;

/// <summary>What Linux does with pages of memory for the asking.</summary>
public static unsafe class MemoryPages
{
    /// <summary>The bytes of a transparent huge page on x86-64, and on Arm with pages of 4 KiB.</summary>
    public const uint HugePage = 2 << 20;

    private const int AdviseHugePages = 14;

    /// <summary>Asks for huge pages where memory is touched for the first time; a system that has none to give goes on with small ones.</summary>
    public static void PreferHuge(void* start, nuint bytes) => _ = Libc.Advise(start, bytes, AdviseHugePages);
}
