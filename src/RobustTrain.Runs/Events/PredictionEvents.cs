using System.Text.Json.Serialization;

namespace RobustTrain.Runs.Events;

/// <summary>What <c>robusttrain predict</c> would do has been checked.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Pairs">The pairs of images, or the single images.</param>
/// <param name="OutputPath">The folder of the results, or the file of labels; null where none is asked for.</param>
public sealed record PredictionPlanned(string Checkpoint, int Pairs, string? OutputPath) : RunEvent
{
    /// <summary>How many images the network takes at once: 1, or 2 of one place.</summary>
    public int ImagesAtOnce { get; init; } = 2;

    /// <summary>What the inputs are called.</summary>
    [JsonIgnore]
    public string InputName => ImagesAtOnce == 1 ? "image" : "pair";
}

/// <summary>How far <c>robusttrain predict</c> is.</summary>
/// <param name="Name">The image or the pair under way.</param>
/// <param name="Done">The tiles of all inputs that are done.</param>
/// <param name="Total">The tiles of all inputs.</param>
public sealed record PredictionProgress(string Name, int Done, int Total) : RunEvent;

/// <summary>A map of classes has been made of an image, or of a pair.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Image1">The image, or the first of the pair.</param>
/// <param name="Image2">The second image of the pair; null where there is none.</param>
/// <param name="MapPath">The file of the map.</param>
/// <param name="ScorePath">The file of the probabilities; null where none is asked for.</param>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="ChangedShare">The share of pixels whose most probable class is another than 0, 0 to 1.</param>
/// <param name="MeanConfidence">The mean probability of each pixel's most probable class, 0 to 1.</param>
/// <param name="DurationSeconds">How long it took, reading and writing included.</param>
public sealed record PredictionMade(
    string Checkpoint, string Image1, string? Image2, string MapPath, string? ScorePath, int Width, int Height, double ChangedShare, double MeanConfidence, double DurationSeconds) : RunEvent
{
    /// <summary>The share of the pixels of each class, 0 to 1; null of a pair.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? ClassShares { get; init; }
}

/// <summary>An image has been made of an image.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Image">The image.</param>
/// <param name="ResultPath">The file of the result.</param>
/// <param name="Width">Pixels in a row of the image.</param>
/// <param name="Height">Its rows.</param>
/// <param name="ResultWidth">Pixels in a row of the result.</param>
/// <param name="ResultHeight">Its rows.</param>
/// <param name="DurationSeconds">How long it took, reading and writing included.</param>
public sealed record ImagePredicted(string Checkpoint, string Image, string ResultPath, int Width, int Height, int ResultWidth, int ResultHeight, double DurationSeconds) : RunEvent;

/// <summary>An image has got a label.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Image">The image.</param>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Top">The most probable classes, the likeliest first.</param>
/// <param name="DurationSeconds">How long it took, reading included.</param>
public sealed record LabelPredicted(string Checkpoint, string Image, int Width, int Height, IReadOnlyList<LabelScore> Top, double DurationSeconds) : RunEvent;

/// <summary>How likely a class is.</summary>
/// <param name="Label">The class.</param>
/// <param name="Probability">Its probability, 0 to 1.</param>
public sealed record LabelScore(string Label, double Probability);

/// <summary>An image or a pair could not be read; the others are predicted all the same.</summary>
/// <param name="Image1">The image, or the first of the pair.</param>
/// <param name="Image2">The second image of the pair; null where there is none.</param>
/// <param name="Message">One sentence that names the file at fault.</param>
/// <param name="Target">The file at fault.</param>
public sealed record PredictionFailed(string Image1, string? Image2, string Message, string Target) : RunEvent
{
    /// <summary>What the input is called.</summary>
    [JsonIgnore]
    public string InputName => Image2 is null ? "image" : "pair";
}
