namespace RobustTrain.Data;

/// <summary>The memory that one sample is decoded into: one span a field, uninitialised, in the slot of its batch.</summary>
public readonly unsafe ref struct SampleBuffer
{
    private readonly byte* _slot;
    private readonly FieldPlacement[] _placements;
    private readonly int _position;

    internal SampleBuffer(byte* slot, FieldPlacement[] placements, int position)
    {
        _slot = slot;
        _placements = placements;
        _position = position;
    }

    /// <summary>The elements of a field, row-major.</summary>
    /// <param name="field">The field's place in <see cref="IDataset.Fields"/>.</param>
    /// <typeparam name="T">The element type: <see cref="byte"/>, <see cref="long"/> or <see cref="float"/>.</typeparam>
    public Span<T> Field<T>(int field)
        where T : unmanaged
    {
        FieldPlacement placement = _placements[field];
        return new Span<T>(_slot + placement.Offset + ((long)_position * placement.SampleBytes), placement.SampleBytes / sizeof(T));
    }
}

/// <summary>Where a field's array stands in the slot of a batch.</summary>
/// <param name="Offset">The bytes before the field.</param>
/// <param name="SampleBytes">The bytes of one sample.</param>
internal readonly record struct FieldPlacement(long Offset, int SampleBytes);

/// <summary>What all randomness of a sample is a pure function of.</summary>
/// <param name="Seed">The seed of the data stream.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Index">The sample's index in the dataset.</param>
public readonly record struct SampleKey(long Seed, int Epoch, int Index);
