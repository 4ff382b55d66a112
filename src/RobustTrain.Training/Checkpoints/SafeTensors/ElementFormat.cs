namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>The element formats of a safetensors file; the members carry the names that stand in its header.</summary>
public enum ElementFormat
{
    /// <summary>One byte, 0 or 1.</summary>
    BOOL,

    /// <summary>One unsigned byte.</summary>
    U8,

    /// <summary>One signed byte.</summary>
    I8,

    /// <summary>A signed integer of two bytes.</summary>
    I16,

    /// <summary>A signed integer of four bytes.</summary>
    I32,

    /// <summary>A signed integer of eight bytes.</summary>
    I64,

    /// <summary>IEEE 754 binary16.</summary>
    F16,

    /// <summary>The upper half of an IEEE 754 binary32.</summary>
    BF16,

    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>IEEE 754 binary64.</summary>
    F64,
}
