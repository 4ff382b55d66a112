using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static class TensorExtensionMethods
{
    public static Parameter AsParameter(this torch.Tensor tensor) => new(tensor);

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => throw new NotImplementedException($"The element size of {type} is not known."),
    };

    /// <summary>Writes the tensor in TorchSharp's own format.</summary>
    public static void Save(this torch.Tensor tensor, BinaryWriter writer) => TensorFormat.Write(writer, tensor);

    public static void Save(this torch.Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream);
        tensor.Save(writer);
    }

    public static void Save(this torch.Tensor tensor, string location)
    {
        using FileStream stream = File.Create(location);
        tensor.Save(stream);
    }

    /// <summary>Reads values of the same type and shape into the tensor.</summary>
    public static void Load(this torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        if (skip) TensorFormat.Skip(reader);
        else TensorFormat.ReadInto(reader, tensor);
    }

    public static torch.Tensor Load(BinaryReader reader, bool skip = false) => TensorFormat.Read(reader);

    public static float ToSingle(this torch.Tensor value) => (float)value.Number();
    public static double ToDouble(this torch.Tensor value) => value.Number();
    public static sbyte ToSByte(this torch.Tensor value) => (sbyte)value;
    public static byte ToByte(this torch.Tensor value) => (byte)value;
    public static short ToInt16(this torch.Tensor value) => (short)value;
    public static int ToInt32(this torch.Tensor value) => (int)value;
    public static long ToInt64(this torch.Tensor value) => (long)value;
    public static bool ToBoolean(this torch.Tensor value) => (bool)value;

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (total, size) => total * size);
}
