using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Platform;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Evaluation;

/// <summary>A file of scores.</summary>
/// <param name="Epoch">The epoch of the weights that were scored, from 0.</param>
/// <param name="Split">The split.</param>
/// <param name="Aggregated">The scores of all samples together, by name.</param>
/// <param name="Classes">The scores of each class, by class and name; null where the task has none.</param>
/// <param name="Samples">Each sample's own scores; the file calls them <c>datapoints</c>.</param>
public sealed record ScoreDocument(
    int Epoch, string Split, IReadOnlyDictionary<string, double> Aggregated, IReadOnlyList<IReadOnlyDictionary<string, double?>>? Classes, [property: JsonPropertyName("datapoints")] IReadOnlyList<SampleDocument> Samples)
{
    /// <summary>The document of an evaluation.</summary>
    /// <param name="epoch">The epoch of the weights that were scored.</param>
    /// <param name="result">The scores.</param>
    public static ScoreDocument Of(int epoch, EvaluationResult result) => new(
        epoch, result.Split, result.Scores, result.Aggregated.Classes,
        [.. result.Samples.Select(sample => new SampleDocument(sample.Name, sample.NamedScores, sample.ConfusionCounts))]);

    /// <summary>Reads a file.</summary>
    /// <returns>Null where there is none, or none that is whole.</returns>
    public static ScoreDocument? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<ScoreDocument>(File.ReadAllBytes(path), CheckpointJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(string path) => DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, CheckpointJson.Options));
}

/// <summary>One sample in a file of scores.</summary>
/// <param name="Name">The sample's name.</param>
/// <param name="Scores">The sample's scores that are defined, by name.</param>
/// <param name="Confusion">Its confusion matrix, row-major: truth by row, prediction by column; null where the task has no classes.</param>
public sealed record SampleDocument(string Name, IReadOnlyDictionary<string, double> Scores, IReadOnlyList<long>? Confusion);
