using System.Text.Json;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Metrics;

namespace RobustTrain.Training.Epochs;

/// <summary>A file of scores.</summary>
/// <param name="Epoch">The epoch of the weights that were scored, from 0.</param>
/// <param name="Split">The split.</param>
/// <param name="Aggregated">The scores of all samples together, by name.</param>
/// <param name="Classes">The scores of each class, by class.</param>
/// <param name="Datapoints">Each sample's own scores.</param>
public sealed record ScoreDocument(
    int Epoch, string Split, IReadOnlyDictionary<string, double> Aggregated, IReadOnlyList<ClassScores> Classes, IReadOnlyList<DatapointDocument> Datapoints)
{
    /// <summary>The document of an evaluation.</summary>
    /// <param name="epoch">The epoch of the weights that were scored.</param>
    /// <param name="result">The scores.</param>
    public static ScoreDocument Of(int epoch, EvaluationResult result) => new(
        epoch, result.Split, result.Scores, result.Aggregated.Classes,
        [.. result.Datapoints.Select(datapoint => new DatapointDocument(datapoint.Name, datapoint.Scores.Named(), datapoint.Confusion.Counts))]);

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
