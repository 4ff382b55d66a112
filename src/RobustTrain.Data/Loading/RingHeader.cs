using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>The head of a ring, in memory that workers share. What is written often stands in cache lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = RingHeader.Bytes)]
internal struct RingHeader
{
    public const int Bytes = 512;

    /// <summary>Changes with the layout, so that an executable of another version refuses.</summary>
    public const long CurrentMagic = 0x5254_5249_4E47_0004;

    [FieldOffset(0)]
    public long Magic;

    [FieldOffset(8)]
    public int SlotCount;

    [FieldOffset(12)]
    public int BatchSize;

    [FieldOffset(16)]
    public int WorkerCapacity;

    [FieldOffset(24)]
    public long SlotBytes;

    [FieldOffset(32)]
    public long Seed;

    /// <summary>Not 0 once the workers have to leave.</summary>
    [FieldOffset(40)]
    public int Stopping;

    /// <summary>How many workers are alive; a lone one retries its own failures.</summary>
    [FieldOffset(44)]
    public int AliveWorkers;

    /// <summary>The milliseconds after which an idle worker shows that it lives.</summary>
    [FieldOffset(48)]
    public int IdleMilliseconds;

    /// <summary>Batches published so far.</summary>
    [FieldOffset(128)]
    public long Published;

    /// <summary>The first batch that is not delivered.</summary>
    [FieldOffset(136)]
    public long Head;

    [FieldOffset(192)]
    public int WorkSignal;

    [FieldOffset(196)]
    public int WorkWaiters;

    [FieldOffset(256)]
    public int DoneSignal;

    [FieldOffset(260)]
    public int DoneWaiters;

    /// <summary>Counts the mails that workers have written; while it stands still, no mailbox needs to be looked into.</summary>
    [FieldOffset(320)]
    public int Mails;
}
