using TorchSharp;

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

/// <summary>What an element format means: its size, and torch's type for it.</summary>
public static class ElementFormats
{
    /// <summary>The size of one element in bytes.</summary>
    public static int SizeOf(this ElementFormat format) => format switch
    {
        ElementFormat.BOOL or ElementFormat.U8 or ElementFormat.I8 => 1,
        ElementFormat.I16 or ElementFormat.F16 or ElementFormat.BF16 => 2,
        ElementFormat.I32 or ElementFormat.F32 => 4,
        ElementFormat.I64 or ElementFormat.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "This element format has no size."),
    };

    /// <summary>The format of torch's type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">safetensors has no such format (complex and quantised types).</exception>
    public static ElementFormat FormatOf(torch.ScalarType type) => type switch
    {
        torch.ScalarType.Bool => ElementFormat.BOOL,
        torch.ScalarType.Byte => ElementFormat.U8,
        torch.ScalarType.Int8 => ElementFormat.I8,
        torch.ScalarType.Int16 => ElementFormat.I16,
        torch.ScalarType.Int32 => ElementFormat.I32,
        torch.ScalarType.Int64 => ElementFormat.I64,
        torch.ScalarType.Float16 => ElementFormat.F16,
        torch.ScalarType.BFloat16 => ElementFormat.BF16,
        torch.ScalarType.Float32 => ElementFormat.F32,
        torch.ScalarType.Float64 => ElementFormat.F64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "A safetensors file can't hold this type."),
    };

    /// <summary>Torch's type for the format.</summary>
    public static torch.ScalarType ScalarTypeOf(this ElementFormat format) => format switch
    {
        ElementFormat.BOOL => torch.ScalarType.Bool,
        ElementFormat.U8 => torch.ScalarType.Byte,
        ElementFormat.I8 => torch.ScalarType.Int8,
        ElementFormat.I16 => torch.ScalarType.Int16,
        ElementFormat.I32 => torch.ScalarType.Int32,
        ElementFormat.I64 => torch.ScalarType.Int64,
        ElementFormat.F16 => torch.ScalarType.Float16,
        ElementFormat.BF16 => torch.ScalarType.BFloat16,
        ElementFormat.F32 => torch.ScalarType.Float32,
        ElementFormat.F64 => torch.ScalarType.Float64,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Torch has no type for this format."),
    };
}
