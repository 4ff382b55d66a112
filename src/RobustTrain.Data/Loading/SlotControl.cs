using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>The head of a slot, before its tasks, in memory that workers share.</summary>
[StructLayout(LayoutKind.Sequential, Size = SlotControl.Bytes)]
internal struct SlotControl
{
    public const int Bytes = 64;

    /// <summary>The samples of the batch.</summary>
    public int Count;

    /// <summary>How many samples workers have been given; only a hint, for the tasks' states decide.</summary>
    public int Cursor;

    /// <summary>How many samples a worker takes at once.</summary>
    public int Chunk;

    /// <summary>Not 0 once tasks before the cursor may be pending again.</summary>
    public int Rescan;

    /// <summary>The slot's memory, where it has no fixed place in the ring.</summary>
    public long DataAddress;
}
