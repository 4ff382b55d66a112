using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Prediction;

/// <summary>Writes the images that a network makes of images, as PNG of 8 bits a channel.</summary>
/// <param name="unfinished">The files that are being written.</param>
/// <param name="stemOf">Where to, without the extension.</param>
/// <param name="scale">By how much the sides grow.</param>
internal sealed class PictureOutput(UnfinishedFiles unfinished, Func<InputImages, string> stemOf, int scale) : IPredictionOutput
{
    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(InputImages input) => [$"{stemOf(input)}.png"];

    /// <inheritdoc/>
    public RunEvent Predict(ImagePredictor predictor, InputImages input, IReadOnlyList<string> files, IReadOnlyList<ImageBuffer> images, PredictionWork progress)
    {
        (int width, int height) = (scale * input.Width, scale * input.Height);
        using ResultFile file = unfinished.Open(files[0]);
        PngWriter? rows = null;
        try
        {
            // How many channels there are, the network's first tile says.
            bool isFinite = predictor.RunPicture(
                images,
                row => (rows ??= new PngWriter(file.Stream, width, height, row.Length == width ? PngColor.Grey : PngColor.Rgb)).WriteRow(row),
                progress.OnTile,
                progress.Stopping);
            if (!isFinite)
                throw progress.NotFinite(input);
            file.Complete();
            return new ImagePredicted(progress.Checkpoint, input.Files[0], files[0], input.Width, input.Height, width, height, progress.Elapsed().TotalSeconds);
        }
        finally
        {
            rows?.Dispose();
            unfinished.Forget(file);
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
