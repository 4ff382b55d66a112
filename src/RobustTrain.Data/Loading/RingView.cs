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
    private readonly bool[] _isSeen;
    private int _seen;

    public RingView(Ring ring, int worker)
    {
        _ring = ring;
        _worker = worker;
        _isSeen = new bool[ring.SlotCount * ring.BatchSize];
    }

    /// <summary>Notes that a sample was written to a slot.</summary>
    public void Note(int slot, int position)
    {
        ref bool isSeen = ref _isSeen[(slot * _ring.BatchSize) + position];
        if (isSeen || (position >= _ring.BatchSize / 2) == _ring.BeginsAtEnd(_worker))
            return;
        isSeen = true;
        // A lone worker comes everywhere in every batch.
        if (++_seen < Math.Max(_isSeen.Length / Share, Least) || Volatile.Read(ref _ring.Header->AliveWorkers) <= 1)
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
                LinuxNative.DropFromView(_ring.Data(slot) + field.Offset + ((long)from * field.SampleBytes), (long)(to - from) * field.SampleBytes);
        }
    }
}
