using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Native.Interop;

/// <summary>One argument of an operator, as it goes into a call: no allocation, except where a list was one already.</summary>
internal readonly struct Arg
{
    internal readonly NativeTag Tag;
    internal readonly int Count;
    internal readonly long Bits;

    /// <summary>What must live until the call returns: the tensor, or the list whose elements are marshalled.</summary>
    internal readonly object? Object;

    private Arg(NativeTag tag, long bits = 0, int count = 0, object? target = null)
    {
        Tag = tag;
        Bits = bits;
        Count = count;
        Object = target;
    }

    internal static Arg None => default;
    internal static Arg Default => new(NativeTag.Default);

    public static implicit operator Arg(Tensor? value) => value is null ? default : new(NativeTag.Tensor, value.Handle, 0, value);
    public static implicit operator Arg(long value) => new(NativeTag.Int, value);
    public static implicit operator Arg(long? value) => value is long v ? v : default(Arg);
    public static implicit operator Arg(double value) => new(NativeTag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(double? value) => value is double v ? v : default(Arg);
    public static implicit operator Arg(bool value) => new(NativeTag.Bool, value ? 1 : 0);
    public static implicit operator Arg(bool? value) => value is bool v ? v : default(Arg);
    public static implicit operator Arg(ScalarType value) => new(NativeTag.Int, (long)value);
    public static implicit operator Arg(ScalarType? value) => value is ScalarType v ? v : default(Arg);
    public static implicit operator Arg(Scalar? value) => value is null ? default : new(value.Tag, value.Bits);
    public static implicit operator Arg(Device? value) => value is null ? default : new(NativeTag.Device, value.index, (int)value.type);
    public static implicit operator Arg(Generator? value) => value is null ? default : new(NativeTag.Generator, value.Handle, 0, value);
    public static implicit operator Arg(string? value) => value is null ? default : new(NativeTag.String, 0, 0, value);
    public static implicit operator Arg(long[]? value) => value is null ? default : new(NativeTag.IntList, 0, value.Length, value);
    public static implicit operator Arg(double[]? value) => value is null ? default : new(NativeTag.DoubleList, 0, value.Length, value);
    public static implicit operator Arg(Tensor?[]? value) => value is null ? default : new(NativeTag.TensorList, 0, value.Length, value);
    public static implicit operator Arg(List<Tensor> value) => new(NativeTag.TensorList, 0, value.Count, value);
}
