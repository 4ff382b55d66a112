namespace RobustTrain.Runs.Events;

/// <summary>What <c>robusttrain predict</c> would do has been checked.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Pairs">The pairs of images.</param>
/// <param name="OutputPath">The folder of the results.</param>
public sealed record PredictionPlanned(string Checkpoint, int Pairs, string OutputPath) : RunEvent;

/// <summary>How far <c>robusttrain predict</c> is.</summary>
/// <param name="Name">The pair under way.</param>
/// <param name="Done">The tiles of all pairs that are done.</param>
/// <param name="Total">The tiles of all pairs.</param>
public sealed record PredictionProgress(string Name, int Done, int Total) : RunEvent;

/// <summary>A pair of images has been predicted.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="Image1">The first image.</param>
/// <param name="Image2">The second image.</param>
/// <param name="MapPath">The file of the change map.</param>
/// <param name="ScorePath">The file of the probabilities; null where none is asked for.</param>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="ChangedShare">The share of pixels whose most probable class is a change, 0 to 1.</param>
/// <param name="MeanConfidence">The mean probability of each pixel's most probable class, 0 to 1.</param>
/// <param name="DurationSeconds">How long the pair took, reading and writing included.</param>
public sealed record PredictionMade(
    string Checkpoint, string Image1, string Image2, string MapPath, string? ScorePath, int Width, int Height, double ChangedShare, double MeanConfidence, double DurationSeconds) : RunEvent;

/// <summary>A pair of images could not be read; the others are predicted all the same.</summary>
/// <param name="Image1">The first image.</param>
/// <param name="Image2">The second image.</param>
/// <param name="Message">One sentence that names the file at fault.</param>
/// <param name="Target">The file at fault.</param>
public sealed record PredictionFailed(string Image1, string Image2, string Message, string Target) : RunEvent;
