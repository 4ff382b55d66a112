using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>Where everything stands in a ring: the header and the queue, the workers' heartbeats, the slots' tasks, and the slots' memory.</summary>
/// <param name="SlotCount">Slots.</param>
/// <param name="BatchSize">Samples in a slot.</param>
/// <param name="WorkerCapacity">Heartbeats of workers.</param>
/// <param name="SlotBytes">Bytes of a slot's memory.</param>
internal readonly record struct RingLayout(int SlotCount, int BatchSize, int WorkerCapacity, long SlotBytes)
{
    private const long Page = 4096;

    public long QueueOffset => RingHeader.Bytes;

    public long HeartbeatsOffset => AlignToPage(QueueOffset + (SlotCount * sizeof(int)));

    public long ControlsOffset => HeartbeatsOffset + ((long)WorkerCapacity * Heartbeat.Bytes);

    public long ControlStride => SlotLayout.Align(SlotControl.Bytes + (BatchSize * 16L));

    /// <summary>The bytes before the slots' memory.</summary>
    public long ControlBytes => AlignToPage(ControlsOffset + (SlotCount * ControlStride));

    /// <summary>The bytes of a ring in one piece.</summary>
    public long TotalBytes => ControlBytes + (SlotCount * SlotStride);

    public long SlotStride => AlignToPage(SlotBytes);

    private static long AlignToPage(long bytes) => (bytes + Page - 1) / Page * Page;
}

/// <summary>The head of a ring, in memory that workers share. What is written often stands in cache lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = RingHeader.Bytes)]
internal struct RingHeader
{
    public const int Bytes = 512;

    /// <summary>Changes with the layout, so that an executable of another version refuses.</summary>
    public const long CurrentMagic = 0x5254_5249_4E47_0005;

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

    /// <summary>Counts the reports that workers have written; while it stands still, none needs to be looked for.</summary>
    [FieldOffset(320)]
    public int Reports;
}

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

/// <summary>One sample of a slot, in memory that workers share.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SampleTask
{
    /// <summary>The sample's index in the dataset.</summary>
    public int Index;

    /// <summary>The epoch that keys its randomness.</summary>
    public int KeyEpoch;

    /// <summary>A <see cref="SampleStatus"/>.</summary>
    public int Status;

    /// <summary>The <see cref="Attempt"/> of a sample in quarantine.</summary>
    public const int NotToBeTried = -1;

    /// <summary>How often it was tried before.</summary>
    public int Attempt;
}

/// <summary>Where the fields of a batch stand in its slot: one after the other, each aligned to 64 bytes, the samples side by side.</summary>
internal sealed class SlotLayout
{
    /// <summary>The alignment of fields and slots in bytes: a cache line, and what vector instructions want.</summary>
    public const int Alignment = 64;

    public SlotLayout(IReadOnlyList<FieldSpec> fields, int batchSize)
    {
        Fields = fields;
        Placements = new FieldPlacement[fields.Count];
        long offset = 0;
        for (int field = 0; field < fields.Count; field++)
        {
            Placements[field] = new FieldPlacement(offset, fields[field].ByteLength);
            offset = Align(offset + ((long)fields[field].ByteLength * batchSize));
        }

        Bytes = Math.Max(offset, Alignment);
    }

    public IReadOnlyList<FieldSpec> Fields { get; }

    public FieldPlacement[] Placements { get; }

    /// <summary>The bytes of a slot, a multiple of <see cref="Alignment"/>.</summary>
    public long Bytes { get; }

    public static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    public int IndexOf(string field)
    {
        for (int index = 0; index < Fields.Count; index++)
        {
            if (Fields[index].Name == field)
                return index;
        }

        throw new KeyNotFoundException(
            $"The dataset has no field '{field}'; it has {string.Join(", ", Fields.Select(spec => $"'{spec.Name}'"))}.");
    }
}
