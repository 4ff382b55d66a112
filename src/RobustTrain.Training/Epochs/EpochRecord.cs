using System.Globalization;
using System.Text;
using System.Text.Json;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Evaluation;

namespace RobustTrain.Training.Epochs;

/// <summary>The files of an epoch: <c>losses.csv</c>, a line for each step, and <c>scores.json</c>, aggregated and for each sample.</summary>
internal static class EpochRecord
{
    /// <summary>The name of the losses' file.</summary>
    public const string LossesFile = "losses.csv";

    /// <summary>The name of the scores' file.</summary>
    public const string ScoresFile = "scores.json";

    /// <summary>Writes the files of the epoch that is under way; whatever an interrupted attempt left there is replaced.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Write(string folder, TrainingProgress progress, EvaluationResult? validation)
    {
        Directory.CreateDirectory(folder);
        DurableFile.Write(Path.Combine(folder, LossesFile), Losses(progress));
        if (validation is not null)
            WriteScores(Path.Combine(folder, ScoresFile), progress.Cursor.Epoch, validation);
    }

    /// <summary>Writes scores to a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="epoch">The epoch of the weights that were scored.</param>
    /// <param name="result">The scores.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void WriteScores(string path, int epoch, EvaluationResult result)
    {
        var document = new ScoreDocument(
            epoch, result.Split, result.Scores, result.Aggregated.Classes,
            [.. result.Datapoints.Select(datapoint => new DatapointDocument(datapoint.Name, datapoint.Scores.Named(), datapoint.Confusion.Counts))]);
        DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(document, CheckpointJson.Options));
    }

    /// <summary>Reads the aggregated scores of such a file.</summary>
    /// <returns>Null where there is no whole file.</returns>
    public static ScoreDocument? ReadScores(string path)
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

    private static string Losses(TrainingProgress progress)
    {
        var text = new StringBuilder("step,global_step,loss,learning_rate\n");
        long first = progress.Cursor.GlobalStep - progress.Losses.Count;
        for (int step = 0; step < progress.Losses.Count; step++)
            text.Append(CultureInfo.InvariantCulture, $"{step},{first + step},{progress.Losses[step]:R},{progress.LearningRates[step]:R}\n");
        return text.ToString();
    }
}
