namespace RobustTrain.Runs.Events;

/// <summary>A network has been written to a file, by <c>robusttrain export</c>.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Epoch">The last epoch that its weights have seen whole, from 0; null where there is none.</param>
/// <param name="Path">The file.</param>
/// <param name="Format">safetensors or onnx.</param>
/// <param name="Model">The architecture.</param>
/// <param name="Parameters">The numbers that were learned.</param>
/// <param name="Bytes">The file's size.</param>
/// <param name="Opset">The version of ONNX's operator set; null for safetensors.</param>
/// <param name="InputShape">The sides of an input: numbers, or the names of those that are open; null for safetensors.</param>
/// <param name="LargestDifference">By how much ONNX Runtime's output differed from the network's own on random inputs, at the most, as a share of its greatest value where that is above 1; null for safetensors.</param>
/// <param name="DurationSeconds">How long it took, the check included.</param>
public sealed record ModelExported(
    string Checkpoint, int? Epoch, string Path, string Format, string Model, long Parameters, long Bytes, int? Opset, IReadOnlyList<string>? InputShape, double? LargestDifference, double DurationSeconds) : RunEvent;
