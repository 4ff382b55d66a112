using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A pair of images as Invoke-Model has predicted it.</summary>
public sealed record ModelPrediction
{
    /// <summary>The image of the earlier date.</summary>
    public required string ImagePathA { get; init; }

    /// <summary>The image of the later date.</summary>
    public required string ImagePathB { get; init; }

    /// <summary>The file of the change map: what changed is white; of more than two classes it has a palette whose indices are the classes.</summary>
    public required string MapPath { get; init; }

    /// <summary>The file with the probability of a change as greys; null without -Probability.</summary>
    public string? ScorePath { get; init; }

    /// <summary>Pixels in a row.</summary>
    public required int Width { get; init; }

    /// <summary>Rows.</summary>
    public required int Height { get; init; }

    /// <summary>The share of pixels that changed, 0 to 100.</summary>
    public required double ChangedPercent { get; init; }

    /// <summary>The mean probability that the network gives what it says of a pixel, 0 to 1.</summary>
    public required double MeanConfidence { get; init; }

    /// <summary>How long it took, reading and writing included.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>The checkpoint's folder.</summary>
    public required string CheckpointPath { get; init; }

    internal static ModelPrediction From(PredictionMade made) => new()
    {
        ImagePathA = made.Image1,
        ImagePathB = made.Image2,
        MapPath = made.MapPath,
        ScorePath = made.ScorePath,
        Width = made.Width,
        Height = made.Height,
        ChangedPercent = 100 * made.ChangedShare,
        MeanConfidence = made.MeanConfidence,
        DurationSeconds = made.DurationSeconds,
        CheckpointPath = made.Checkpoint,
    };
}
