using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>TorchSharp's format of one tensor: element type, rank and sizes as LEB128 numbers, then the bytes.</summary>
internal static class TensorFormat
{
    internal static void Write(BinaryWriter writer, Tensor tensor)
    {
        using Tensor host = tensor.detach().to(torch.CPU, disposeAfter: true);
        using Tensor dense = host.contiguous();
        writer.Write7BitEncodedInt64((long)dense.dtype);
        long[] shape = dense.shape;
        writer.Write7BitEncodedInt64(shape.Length);
        foreach (long size in shape) writer.Write7BitEncodedInt64(size);
        writer.Write(dense.bytes);
    }

    internal static (ScalarType Type, long[] Shape) ReadHeader(BinaryReader reader)
    {
        long type = reader.Read7BitEncodedInt64();
        if (type is < 0 or > sbyte.MaxValue || !Enum.IsDefined((ScalarType)type)) throw new InvalidDataException($"{type} is no element type of a tensor: this is not TorchSharp's format.");
        long rank = reader.Read7BitEncodedInt64();
        if (rank is < 0 or > 64) throw new InvalidDataException($"A tensor of {rank} dimensions: this is not TorchSharp's format.");
        var shape = new long[rank];
        for (int i = 0; i < shape.Length; i++) shape[i] = reader.Read7BitEncodedInt64();
        return ((ScalarType)type, shape);
    }

    internal static Tensor Read(BinaryReader reader)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        Tensor tensor = empty(shape, type);
        reader.BaseStream.ReadExactly(tensor.bytes);
        return tensor;
    }

    internal static void ReadInto(BinaryReader reader, Tensor target)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        if (type != target.dtype) throw new ArgumentException($"Mismatched tensor data types while loading: the file has {type}, the tensor is {target.dtype}.");
        if (!shape.AsSpan().SequenceEqual(target.shape)) throw new ArgumentException($"Mismatched tensor shape while loading: the file has [{string.Join('x', shape)}], the tensor is [{string.Join('x', target.shape)}].");
        using IDisposable quiet = no_grad();
        using Tensor read = empty(shape, type);
        reader.BaseStream.ReadExactly(read.bytes);
        _ = target.copy_(read);
    }

    internal static void Skip(BinaryReader reader) => Read(reader).Dispose();
}
