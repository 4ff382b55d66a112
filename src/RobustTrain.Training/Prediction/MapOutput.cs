using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Prediction;

/// <summary>Writes maps of classes: of two classes in black and white, of more with a palette whose indices are the classes.</summary>
/// <param name="unfinished">The files that are being written.</param>
/// <param name="stemOf">Where to, without the extension.</param>
/// <param name="classes">The classes.</param>
/// <param name="withScores">Whether probabilities are written too, as greys.</param>
internal sealed class MapOutput(UnfinishedFiles unfinished, Func<InputImages, string> stemOf, int classes, bool withScores) : IPredictionOutput
{
    private const byte White = 255;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(InputImages input)
    {
        string stem = stemOf(input);
        return withScores ? [$"{stem}.png", $"{stem}.score.png"] : [$"{stem}.png"];
    }

    /// <inheritdoc/>
    public RunEvent Predict(ImagePredictor predictor, InputImages input, IReadOnlyList<string> files, IReadOnlyList<ImageBuffer> images, PredictionWork progress)
    {
        PixelTotals totals = Write(predictor, input, files, images, progress);
        return new PredictionMade(
            progress.Checkpoint, input.Files[0], input.Files.ElementAtOrDefault(1), files[0], files.ElementAtOrDefault(1), input.Width, input.Height,
            (double)totals.Changed / totals.Pixels, totals.MeanConfidence, progress.Elapsed().TotalSeconds)
        {
            ClassShares = input.Files.Count == 1 ? [.. totals.Counts.Select(count => (double)count / totals.Pixels)] : null,
        };
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private PixelTotals Write(ImagePredictor predictor, InputImages input, IReadOnlyList<string> files, IReadOnlyList<ImageBuffer> images, PredictionWork progress)
    {
        bool isBinary = classes == 2;
        using ResultFile map = unfinished.Open(files[0]);
        using ResultFile? scores = files.Count == 1 ? null : unfinished.Open(files[1]);
        try
        {
            (int width, int height) = (input.Width, input.Height);
            using PngWriter mapRows = new(map.Stream, width, height, isBinary ? PngColor.Grey : PngColor.Palette, isBinary ? [] : ClassColors.Palette(classes));
            using PngWriter? scoreRows = scores is null ? null : new(scores.Stream, width, height, PngColor.Grey);
            byte[] pixels = new byte[width];
            PixelTotals totals = predictor.Run(
                images,
                (chosen, probabilities) =>
                {
                    for (int x = 0; x < width; x++)
                        pixels[x] = isBinary && chosen[x] != 0 ? White : chosen[x];
                    mapRows.WriteRow(pixels);
                    for (int x = 0; x < width; x++)
                        pixels[x] = (byte)Math.Clamp(MathF.Round(255 * probabilities[x]), 0, 255);
                    scoreRows?.WriteRow(pixels);
                },
                progress.OnTile,
                progress.Stopping);
            if (double.IsNaN(totals.MeanConfidence))
                throw progress.NotFinite(input);
            map.Complete();
            scores?.Complete();
            return totals;
        }
        finally
        {
            unfinished.Forget(map, scores);
        }
    }
}
