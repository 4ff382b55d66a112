using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Dashboard.Journals;

/// <summary>An event as a line for people.</summary>
/// <param name="Kind">The kind, in words.</param>
/// <param name="Message">What happened.</param>
/// <param name="IsTrouble">Whether it is something to worry about.</param>
internal sealed record JournalText(string Kind, string Message, bool IsTrouble = false)
{
    /// <summary>The text of an event; null for those that only tell of progress.</summary>
    public static JournalText? Of(RunEvent happened) => happened switch
    {
        RunStarted started => new JournalText("start", Started(started)),
        EpochFinished epoch => new JournalText("epoch", Finished(epoch)),
        CheckpointSaved saved => new JournalText("checkpoint", string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(saved.Path)}: {saved.Bytes / 1048576.0:0.0} MiB in {saved.DurationSeconds:0.00} s")),
        TestFinished test => new JournalText("test", $"The best checkpoint, of epoch {test.BestEpoch}: {ScoresOf(test.Scores)}"),
        NumericFailureHandled failure => new JournalText("numeric failure", $"{failure.Problem} ({failure.Action})", IsTrouble: true),
        MicroBatchHalved halved => new JournalText("memory", $"Memory was short: {Counted.Of(halved.SamplesAtOnce, "sample")} at once from now on", IsTrouble: true),
        LossScaleHalved scale => new JournalText("loss scale", string.Create(CultureInfo.InvariantCulture, $"Step {scale.GlobalStep} was left out; losses are multiplied by {scale.Factor} from now on")),
        StageStarted stage => new JournalText("stage", $"{stage.Stage}: {string.Join(", ", stage.Settings)}"),
        StoppedEarly early => new JournalText("stopped early", $"No better epoch than {early.BestEpoch} came in {Counted.Of(early.Patience, "epoch")}"),
        RunWarning warning => new JournalText("warning", warning.Message, IsTrouble: true),
        RankLost lost => new JournalText("rank lost", lost.Message, IsTrouble: true),
        StopRequested stop => new JournalText("stop requested", $"By {stop.Reason}"),
        RunFinished end => new JournalText("end", end.Error is null ? end.State : $"{end.State} with exit code {end.ExitCode}: {end.Error}", end.Error is not null),
        LoaderChanged { Kind: "worker_ready" or "workers_chosen" } ready => new JournalText("loader", ready.Message),
        LoaderChanged trouble => new JournalText(trouble.Kind?.Replace('_', ' ') ?? "loader", trouble.Message, IsTrouble: true),
        _ => null,
    };

    private static string Started(RunStarted started) =>
        $"Process {started.ProcessId}, {Counted.Of(started.Epochs, "epoch")} of {Counted.Of(started.StepsPerEpoch, "step")}{(started.ResumedFromEpoch is { } epoch ? $", goes on after epoch {epoch}" : "")}";

    private static string Finished(EpochFinished epoch) => string.Create(
        CultureInfo.InvariantCulture,
        $"Epoch {epoch.Epoch}: loss {epoch.TrainLoss:G5}{(epoch.Scores is null ? "" : $", {ScoresOf(epoch.Scores)}")}{(epoch.IsBest ? " (best so far)" : "")}, {epoch.DurationSeconds:0.0} s");

    private static string ScoresOf(IReadOnlyDictionary<string, double>? scores) =>
        string.Join(", ", (scores ?? new Dictionary<string, double>()).Take(8).Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Key} {score.Value:0.####}")));
}
