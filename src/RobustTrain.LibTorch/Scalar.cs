using RobustTrain.Native.Interop;

namespace TorchSharp;

/// <summary>A number of a type: an operand of an operator.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly NativeTag Tag;
    internal readonly long Bits;

    private Scalar(NativeTag tag, long bits, torch.ScalarType type)
    {
        Tag = tag;
        Bits = bits;
        Type = type;
    }

    public torch.ScalarType Type { get; }

    internal double Real => Tag == NativeTag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    private static Scalar Integer(long value, torch.ScalarType type) => new(NativeTag.Int, value, type);
    private static Scalar Floating(double value, torch.ScalarType type) => new(NativeTag.Double, BitConverter.DoubleToInt64Bits(value), type);

    public static implicit operator Scalar(byte value) => Integer(value, torch.ScalarType.Byte);
    public static implicit operator Scalar(sbyte value) => Integer(value, torch.ScalarType.Int8);
    public static implicit operator Scalar(short value) => Integer(value, torch.ScalarType.Int16);
    public static implicit operator Scalar(int value) => Integer(value, torch.ScalarType.Int32);
    public static implicit operator Scalar(long value) => Integer(value, torch.ScalarType.Int64);
    public static implicit operator Scalar(Half value) => Floating((double)value, torch.ScalarType.Float16);
    public static implicit operator Scalar(float value) => Floating(value, torch.ScalarType.Float32);
    public static implicit operator Scalar(double value) => Floating(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => new(NativeTag.Bool, value ? 1 : 0, torch.ScalarType.Bool);

    /// <summary>Does nothing: a scalar here owns no native memory. TorchSharp's does.</summary>
    public void Dispose() { }
}
