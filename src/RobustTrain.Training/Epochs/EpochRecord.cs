using System.Globalization;
using System.Text;
using System.Text.Json;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Platform;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Evaluation;

namespace RobustTrain.Training.Epochs;

/// <summary>
/// The files of an epoch: <c>losses.csv</c>, a line for each step; <c>scores.json</c>, aggregated and for each sample;
/// <c>ledger.json</c>, the account of what the loader delivered; <c>pictures/</c>, where they are asked for.
/// </summary>
/// <param name="Losses">The content of <c>losses.csv</c>.</param>
/// <param name="Scores">The content of <c>scores.json</c>; null where no validation was due.</param>
/// <param name="Ledger">The content of <c>ledger.json</c>; null where nothing was delivered.</param>
/// <param name="Pictures">The content of <c>pictures/</c>; null where there are none.</param>
internal sealed record EpochRecord(string Losses, ScoreDocument? Scores, EpochLedger? Ledger, ValidationPictures? Pictures = null)
{
    /// <summary>The name of the losses' file.</summary>
    public const string LossesFile = "losses.csv";

    /// <summary>The name of the scores' file.</summary>
    public const string ScoresFile = "scores.json";

    /// <summary>The name of the ledger's file.</summary>
    public const string LedgerFile = "ledger.json";

    /// <summary>The record of the epoch that is under way.</summary>
    public static EpochRecord Of(TrainingProgress progress, EvaluationResult? validation, EpochLedger? ledger)
    {
        var text = new StringBuilder("step,global_step,loss,learning_rate\n");
        long first = progress.Cursor.GlobalStep - progress.Losses.Count;
        for (int step = 0; step < progress.Losses.Count; step++)
            text.Append(CultureInfo.InvariantCulture, $"{step},{first + step},{progress.Losses[step]:R},{progress.LearningRates[step]:R}\n");
        return new EpochRecord(text.ToString(), validation is null ? null : ScoreDocument.Of(progress.Cursor.Epoch, validation), ledger, validation?.Pictures);
    }

    /// <summary>Writes the files; whatever an interrupted attempt left there is replaced.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        DurableFile.Write(Path.Combine(folder, LossesFile), Losses);
        Pictures?.Write(folder);
        Scores?.Write(Path.Combine(folder, ScoresFile));
        if (Ledger is not null)
            DurableFile.Write(Path.Combine(folder, LedgerFile), JsonSerializer.SerializeToUtf8Bytes(Ledger, CheckpointJson.Options));
    }
}
