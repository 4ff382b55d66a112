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
