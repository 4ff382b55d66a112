namespace RobustTrain.Data;

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
