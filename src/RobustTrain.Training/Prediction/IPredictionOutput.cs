using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Prediction;

/// <summary>What becomes of what a network says of images: files, events, or both.</summary>
internal interface IPredictionOutput : IDisposable
{
    /// <summary>The files of an input's result, full paths.</summary>
    IReadOnlyList<string> FilesOf(InputImages input);

    /// <summary>Predicts an input and writes its files, each of which appears whole or not at all.</summary>
    /// <param name="predictor">The network.</param>
    /// <param name="input">The input.</param>
    /// <param name="files">Where to: what <see cref="FilesOf"/> said.</param>
    /// <param name="images">The decoded images.</param>
    /// <param name="progress">Is told of each tile, ends the work, and knows how long it took.</param>
    /// <exception cref="Runs.RunException">The network gives NaN.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    RunEvent Predict(ImagePredictor predictor, InputImages input, IReadOnlyList<string> files, IReadOnlyList<ImageBuffer> images, PredictionWork progress);

    /// <summary>Completes what all inputs share.</summary>
    /// <exception cref="Runs.RunException">The disk refuses.</exception>
    void Complete();
}

/// <summary>The prediction of one input while it is under way.</summary>
/// <param name="Checkpoint">The checkpoint's folder.</param>
/// <param name="OnTile">Is called after each tile.</param>
/// <param name="Elapsed">The time since it began.</param>
/// <param name="Stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
internal sealed record PredictionWork(string Checkpoint, Action OnTile, Func<TimeSpan> Elapsed, CancellationToken Stopping)
{
    /// <summary>Says that the network gave what is no number.</summary>
    public Runs.RunException NotFinite(InputImages input) => new(
        Runs.ExitCode.Numeric, "PredictionNotFinite",
        $"The network of {Checkpoint} gives NaN for {(input.Files.Count == 1 ? "the image" : "the pair")} {string.Join(" and ", input.Files.Select(file => $"'{file}'"))}.", input.Files[0]);
}
