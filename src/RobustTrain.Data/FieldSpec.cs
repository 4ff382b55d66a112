namespace RobustTrain.Data;

/// <summary>A named, typed array that every sample of a dataset has, for example <c>image1</c>: Float32, 3 x 112 x 112.</summary>
/// <param name="Name">The field's name, unique in its dataset.</param>
/// <param name="Type">The type of the elements.</param>
/// <param name="Shape">The shape of one sample, without the batch dimension; row-major.</param>
public sealed record FieldSpec(string Name, ElementType Type, IReadOnlyList<int> Shape)
{
    /// <summary>The number of elements of one sample.</summary>
    public int Length
    {
        get
        {
            int product = 1;
            for (int dimension = 0; dimension < Shape.Count; dimension++)
                product = checked(product * Shape[dimension]);
            return product;
        }
    }

    /// <summary>The number of bytes of one sample.</summary>
    public int ByteLength => checked(Length * SizeOf(Type));

    /// <summary>The size of one element in bytes.</summary>
    public static int SizeOf(ElementType type) => type switch
    {
        ElementType.UInt8 => 1,
        ElementType.Int64 => 8,
        ElementType.Float32 => 4,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This element type has no size."),
    };
}

/// <summary>The element type of a field, with the sizes that torch gives the same names.</summary>
public enum ElementType
{
    /// <summary>One unsigned byte.</summary>
    UInt8,

    /// <summary>A signed integer of eight bytes.</summary>
    Int64,

    /// <summary>An IEEE 754 number of four bytes.</summary>
    Float32,
}

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
