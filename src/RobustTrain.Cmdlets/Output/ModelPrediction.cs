using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>What Invoke-Model has found out about an image or a pair of images; each task's network has a kind of its own.</summary>
public abstract record ModelPrediction
{
    /// <summary>Pixels in a row of the image.</summary>
    public required int Width { get; init; }

    /// <summary>Its rows.</summary>
    public required int Height { get; init; }

    /// <summary>How long it took, reading and writing included.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>The checkpoint's folder.</summary>
    public required string CheckpointPath { get; init; }

    // Lists are arrays, which PowerShell can index.
    /// <summary>The object of an event; null where it tells no prediction.</summary>
    internal static ModelPrediction? From(RunEvent happened) => happened switch
    {
        PredictionMade { Image2: not null } made => new ChangePrediction
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
        },
        PredictionMade made => new ClassMapPrediction
        {
            ImagePath = made.Image1,
            MapPath = made.MapPath,
            ScorePath = made.ScorePath,
            Width = made.Width,
            Height = made.Height,
            ClassPercents = (made.ClassShares ?? []).Select(share => 100 * share).ToArray(),
            MeanConfidence = made.MeanConfidence,
            DurationSeconds = made.DurationSeconds,
            CheckpointPath = made.Checkpoint,
        },
        ImagePredicted made => new ImagePrediction
        {
            ImagePath = made.Image,
            ResultPath = made.ResultPath,
            Width = made.Width,
            Height = made.Height,
            ResultWidth = made.ResultWidth,
            ResultHeight = made.ResultHeight,
            DurationSeconds = made.DurationSeconds,
            CheckpointPath = made.Checkpoint,
        },
        LabelPredicted { Top: [var best, ..] } made => new LabelPrediction
        {
            ImagePath = made.Image,
            Label = best.Label,
            Probability = best.Probability,
            Top = made.Top.Select(label => new LabelProbability(label.Label, label.Probability)).ToArray(),
            Width = made.Width,
            Height = made.Height,
            DurationSeconds = made.DurationSeconds,
            CheckpointPath = made.Checkpoint,
        },
        _ => null,
    };
}

/// <summary>What changed between a pair of images.</summary>
public sealed record ChangePrediction : ModelPrediction
{
    /// <summary>The image of the earlier date.</summary>
    public required string ImagePathA { get; init; }

    /// <summary>The image of the later date.</summary>
    public required string ImagePathB { get; init; }

    /// <summary>The file of the change map: what changed is white; of more than two classes it has a palette whose indices are the classes.</summary>
    public required string MapPath { get; init; }

    /// <summary>The file with the probability of a change as greys; null without -Probability.</summary>
    public string? ScorePath { get; init; }

    /// <summary>The share of pixels that changed, 0 to 100.</summary>
    public required double ChangedPercent { get; init; }

    /// <summary>The mean probability that the network gives what it says of a pixel, 0 to 1.</summary>
    public required double MeanConfidence { get; init; }
}

/// <summary>The class of each pixel of an image.</summary>
public sealed record ClassMapPrediction : ModelPrediction
{
    /// <summary>The image.</summary>
    public required string ImagePath { get; init; }

    /// <summary>The file of the map: of two classes the second is white; of more it has a palette whose indices are the classes.</summary>
    public required string MapPath { get; init; }

    /// <summary>The file with the probability of each pixel's class as greys; null without -Probability.</summary>
    public string? ScorePath { get; init; }

    /// <summary>The share of the pixels of each class, 0 to 100, by the class's number.</summary>
    public required IReadOnlyList<double> ClassPercents { get; init; }

    /// <summary>The class that most pixels are of.</summary>
    public int MainClass => ClassPercents.Count == 0 ? 0 : ClassPercents.Index().MaxBy(share => share.Item).Index;

    /// <summary>The mean probability that the network gives what it says of a pixel, 0 to 1.</summary>
    public required double MeanConfidence { get; init; }
}

/// <summary>An image that was made of an image.</summary>
public sealed record ImagePrediction : ModelPrediction
{
    /// <summary>The image.</summary>
    public required string ImagePath { get; init; }

    /// <summary>The file of the result.</summary>
    public required string ResultPath { get; init; }

    /// <summary>Pixels in a row of the result.</summary>
    public required int ResultWidth { get; init; }

    /// <summary>Rows of the result.</summary>
    public required int ResultHeight { get; init; }
}

/// <summary>What an image shows.</summary>
public sealed record LabelPrediction : ModelPrediction
{
    /// <summary>The image.</summary>
    public required string ImagePath { get; init; }

    /// <summary>The most probable class.</summary>
    public required string Label { get; init; }

    /// <summary>Its probability, 0 to 1.</summary>
    public required double Probability { get; init; }

    /// <summary>The most probable classes, the likeliest first: as many as -Top says.</summary>
    public required IReadOnlyList<LabelProbability> Top { get; init; }
}

/// <summary>How likely a class is.</summary>
/// <param name="Label">The class.</param>
/// <param name="Probability">Its probability, 0 to 1.</param>
public sealed record LabelProbability(string Label, double Probability)
{
    /// <summary>As it stands in a table: the class and its probability.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Label} {Probability:0.000}");
}
