using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>
/// What a worker that is a process has in view of its ring: what it has touched counts as its memory. Its own halves of the slots it keeps;
/// the others, to which it comes where it is ahead of other workers, it drops when it has seen too much of them.
/// </summary>
internal sealed unsafe class RingView
{
    // A third of the other halves: the places in the middle, which change hands again and again, stay in view.
    private const int Share = 6;
    private const int Least = 8;

    private readonly Ring _ring;
    private readonly int _worker;
    private readonly int _processors;
    private readonly bool[] _isSeen;
    private int _seen;

    /// <summary>A view in which only the control is.</summary>
    /// <param name="ring">The ring.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="processors">How many workers run at the same time.</param>
    public RingView(Ring ring, int worker, int processors)
    {
        _ring = ring;
        _worker = worker;
        _processors = processors;
        _isSeen = new bool[ring.SlotCount * ring.BatchSize];
    }

    /// <summary>Notes that a sample was written to a slot.</summary>
    public void Note(int slot, int position)
    {
        ref bool isSeen = ref _isSeen[(slot * _ring.BatchSize) + position];
        if (isSeen || (position >= _ring.BatchSize / 2) == _ring.BeginsAtEnd(_worker))
            return;
        isSeen = true;
        // A lone worker comes everywhere in every batch, and so do workers that take turns on too few processors.
        if (++_seen < Math.Max(_isSeen.Length / Share, Least))
            return;
        int workers = Volatile.Read(ref _ring.Header->AliveWorkers);
        if (workers <= 1 || workers > _processors)
            return;
        Leave();
        _isSeen.AsSpan().Clear();
        _seen = 0;
    }

    private void Leave()
    {
        int half = _ring.BatchSize / 2;
        (int from, int to) = _ring.BeginsAtEnd(_worker) ? (0, half) : (half, _ring.BatchSize);
        for (int slot = 0; slot < _ring.SlotCount; slot++)
        {
            foreach (FieldPlacement field in _ring.Slots.Placements)
                MemoryPages.DropFromView(_ring.Data(slot) + field.Offset + ((long)from * field.SampleBytes), (long)(to - from) * field.SampleBytes);
        }
    }
}
