using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A network as Export-Model has written it to a file.</summary>
public sealed record ModelExport
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>SafeTensors or Onnx.</summary>
    public required string Format { get; init; }

    /// <summary>The architecture.</summary>
    public required string Model { get; init; }

    /// <summary>The numbers that were learned.</summary>
    public required long Parameters { get; init; }

    /// <summary>The file's size.</summary>
    public required long Bytes { get; init; }

    /// <summary>The version of ONNX's operator set; null for safetensors.</summary>
    public int? Opset { get; init; }

    /// <summary>The sides of an input, as batch x 3 x height x width: numbers, or the names of those that are open; null for safetensors.</summary>
    public string? InputShape { get; init; }

    /// <summary>By how much ONNX Runtime's output differed from the network's own on random inputs, at the most, as a share of its greatest value where that is above 1; null for safetensors.</summary>
    public double? LargestDifference { get; init; }

    /// <summary>The last epoch, from 0, that the weights have seen whole; null where there is none.</summary>
    public int? Epoch { get; init; }

    /// <summary>How long it took, the check included.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>The checkpoint's folder.</summary>
    public required string CheckpointPath { get; init; }

    internal static ModelExport From(ModelExported exported) => new()
    {
        Path = exported.Path,
        Format = exported.Format == "onnx" ? "Onnx" : "SafeTensors",
        Model = exported.Model,
        Parameters = exported.Parameters,
        Bytes = exported.Bytes,
        Opset = exported.Opset,
        InputShape = exported.InputShape is null ? null : string.Join(" x ", exported.InputShape),
        LargestDifference = exported.LargestDifference,
        Epoch = exported.Epoch,
        DurationSeconds = exported.DurationSeconds,
        CheckpointPath = exported.Checkpoint,
    };
}
