using System.Globalization;
using System.Text;
using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Prediction;

/// <summary>Tells each image's most probable classes, and where it is asked for writes them into one CSV file.</summary>
/// <param name="unfinished">The files that are being written.</param>
/// <param name="names">The classes' names.</param>
/// <param name="most">How many classes are told.</param>
/// <param name="csvPath">The CSV file; null for none.</param>
internal sealed class LabelOutput(UnfinishedFiles unfinished, IReadOnlyList<string> names, int most, string? csvPath) : IPredictionOutput
{
    private readonly int _count = Math.Min(most, names.Count);
    private ResultFile? _csv;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(InputImages input) => [];

    /// <inheritdoc/>
    public RunEvent Predict(ImagePredictor predictor, InputImages input, IReadOnlyList<string> files, IReadOnlyList<ImageBuffer> images, PredictionWork progress)
    {
        float[] probabilities = predictor.RunLabel(images);
        progress.OnTile();
        if (probabilities.Any(float.IsNaN))
            throw progress.NotFinite(input);
        LabelScore[] top = [.. probabilities.Select((probability, index) => new LabelScore(names[index], probability)).OrderByDescending(label => label.Probability).Take(_count)];
        if (csvPath is not null)
        {
            try
            {
                Append(input.Files[0], top);
            }
            catch (IOException refused)
            {
                throw ResultFile.Refused(csvPath, refused);
            }
        }

        return new LabelPredicted(progress.Checkpoint, input.Files[0], input.Width, input.Height, top, progress.Elapsed().TotalSeconds);
    }

    /// <inheritdoc/>
    public void Complete()
    {
        if (_csv is null)
            return;
        try
        {
            _csv.Complete();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw ResultFile.Refused(csvPath!, refused);
        }
        finally
        {
            unfinished.Forget(_csv);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _csv?.Dispose();

    private void Append(string file, LabelScore[] top)
    {
        if (_csv is null)
        {
            _csv = unfinished.Open(csvPath!);
            Write(["image", "label", "probability", .. Enumerable.Range(2, _count - 1).SelectMany(place => (string[])[string.Create(CultureInfo.InvariantCulture, $"label_{place}"), string.Create(CultureInfo.InvariantCulture, $"probability_{place}")])]);
        }

        Write([file, .. top.SelectMany(label => (string[])[label.Label, label.Probability.ToString("R", CultureInfo.InvariantCulture)])]);
    }

    // RFC 4180, with UTF-8 and line feeds.
    private void Write(IEnumerable<string> values) =>
        _csv!.Stream.Write(Encoding.UTF8.GetBytes(string.Join(',', values.Select(value => value.AsSpan().ContainsAny(",\"\r\n") ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value)) + "\n"));
}
