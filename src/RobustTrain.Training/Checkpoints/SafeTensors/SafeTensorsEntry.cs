namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>Where a tensor stands in a safetensors file.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Format">The format of the elements.</param>
/// <param name="Shape">The shape; empty for a scalar.</param>
/// <param name="Offset">The bytes before the tensor, from the start of the file.</param>
/// <param name="Length">The bytes of the tensor.</param>
public sealed record SafeTensorsEntry(string Name, ElementFormat Format, IReadOnlyList<long> Shape, long Offset, long Length);
