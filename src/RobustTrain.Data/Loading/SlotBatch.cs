namespace RobustTrain.Data.Loading;

/// <summary>A batch in a slot of the ring.</summary>
internal sealed class SlotBatch : IBatch
{
    private readonly LoaderSession _session;
    private readonly int _slot;
    private readonly BatchField[] _fields;
    private int _disposed;

    public SlotBatch(LoaderSession session, int slot, int epoch, int index, int[] indices, BatchField[] fields)
    {
        _session = session;
        _slot = slot;
        SampleIndices = indices;
        _fields = fields;
        Epoch = epoch;
        Index = index;
        session.Ring.Memory.AddReference();
    }

    public int Epoch { get; }

    public int Index { get; }

    public IReadOnlyList<int> SampleIndices { get; }

    public BatchField this[string field]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _fields[_session.Ring.Slots.IndexOf(field)];
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _session.Free(_slot);
        _session.Ring.Memory.Release();
    }
}
