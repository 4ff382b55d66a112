namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>A tensor's bytes in the host's memory, row-major.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="Format">The format of the elements.</param>
/// <param name="Shape">The shape; empty for a scalar.</param>
/// <param name="Data">The bytes, little-endian; their number is that of the shape.</param>
public sealed record HostTensor(string Name, ElementFormat Format, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>The bytes that the shape needs.</summary>
    public long Length => Shape.Aggregate((long)Format.SizeOf(), (product, size) => checked(product * size));
}
