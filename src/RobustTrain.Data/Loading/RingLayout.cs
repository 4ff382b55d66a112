namespace RobustTrain.Data.Loading;

/// <summary>Where everything stands in a ring: the header and the queue, the workers' cells, the slots' tasks, and the slots' memory.</summary>
/// <param name="SlotCount">Slots.</param>
/// <param name="BatchSize">Samples in a slot.</param>
/// <param name="WorkerCapacity">Cells of workers.</param>
/// <param name="SlotBytes">Bytes of a slot's memory.</param>
internal readonly record struct RingLayout(int SlotCount, int BatchSize, int WorkerCapacity, long SlotBytes)
{
    private const long Page = 4096;

    public long QueueOffset => RingHeader.Bytes;

    public long CellsOffset => AlignToPage(QueueOffset + (SlotCount * sizeof(int)));

    public long ControlsOffset => CellsOffset + ((long)WorkerCapacity * WorkerCell.Bytes);

    public long ControlStride => SlotLayout.Align(SlotControl.Bytes + (BatchSize * 16L));

    /// <summary>The bytes before the slots' memory.</summary>
    public long ControlBytes => AlignToPage(ControlsOffset + (SlotCount * ControlStride));

    /// <summary>The bytes of a ring in one piece.</summary>
    public long TotalBytes => ControlBytes + (SlotCount * SlotStride);

    public long SlotStride => AlignToPage(SlotBytes);

    private static long AlignToPage(long bytes) => (bytes + Page - 1) / Page * Page;
}
