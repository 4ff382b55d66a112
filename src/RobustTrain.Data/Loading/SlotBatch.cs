using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading;

/// <summary>A batch in a slot of the ring.</summary>
internal sealed class SlotBatch : IBatch
{
    private readonly LoaderSession _session;
    private readonly int _slot;
    private readonly BatchField[] _fields;
    private readonly int _firstPosition;
    private readonly int[]? _places;
    private int _disposed;

    /// <summary>A batch.</summary>
    /// <param name="session">Whose slot it is in.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="index">The batch's place in its epoch.</param>
    /// <param name="indices">The samples.</param>
    /// <param name="fields">Their memory.</param>
    /// <param name="firstPosition">The position in the whole batch at which this rank's part begins.</param>
    /// <param name="places">The places that were planned for the samples in this rank's part; null where none was skipped.</param>
    public SlotBatch(LoaderSession session, int slot, int index, int[] indices, BatchField[] fields, int firstPosition, int[]? places)
    {
        (_firstPosition, _places) = (firstPosition, places);
        _session = session;
        _slot = slot;
        SampleIndices = indices;
        _fields = fields;
        Index = index;
        session.Ring.Memory.AddReference();
    }

    public int Index { get; }

    public IReadOnlyList<int> SampleIndices { get; }

    public int PositionOf(int sample) => _firstPosition + (_places is null ? sample : _places[sample]);

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

/// <summary>The fields of batches in the slots of a ring, made anew only where the number of samples or the memory has changed.</summary>
internal sealed unsafe class SlotFields(SampleRing ring)
{
    private readonly BatchField[]?[] _fields = new BatchField[ring.SlotCount][];

    /// <summary>The fields of a slot that holds so many samples.</summary>
    public BatchField[] Of(int slot, int count)
    {
        nint data = (nint)ring.Data(slot);
        SlotLayout layout = ring.Slots;
        BatchField[]? fields = _fields[slot];
        if (fields is not null && fields[0].Shape[0] == count && fields[0].Address == data + (nint)layout.Placements[0].Offset)
            return fields;
        fields = new BatchField[layout.Fields.Count];
        for (int field = 0; field < fields.Length; field++)
        {
            FieldSpec spec = layout.Fields[field];
            long[] shape = new long[1 + spec.Shape.Count];
            shape[0] = count;
            for (int dimension = 1; dimension < shape.Length; dimension++)
                shape[dimension] = spec.Shape[dimension - 1];
            fields[field] = new BatchField(spec.Name, spec.Type, shape, data + (nint)layout.Placements[field].Offset);
        }

        return _fields[slot] = fields;
    }

    /// <summary>Moves a sample to a place before its own, where a skipped one has left a gap.</summary>
    public void Move(int slot, int from, int to)
    {
        byte* data = ring.Data(slot);
        foreach (FieldPlacement placement in ring.Slots.Placements)
        {
            byte* field = data + placement.Offset;
            Buffer.MemoryCopy(field + ((long)from * placement.SampleBytes), field + ((long)to * placement.SampleBytes), placement.SampleBytes, placement.SampleBytes);
        }
    }
}
