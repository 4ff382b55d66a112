using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>
/// What an operator must hear of what happens to workers, samples and steps: a warning for the first of a kind in an epoch, and each in
/// the verbose stream.
/// </summary>
internal sealed class TrainingNotices
{
    private const string Replaced = "worker_replaced";
    private static readonly HashSet<string> Warned =
        ["worker_died", "worker_stuck", Replaced, "sample_skipped", "sample_quarantined", "quarantine_not_written", "fell_back", "workers_chosen", "cache_damaged", "cache_not_written"];

    // Of these there may be thousands in an epoch.
    private static readonly HashSet<string> Repeated = ["worker_died", "worker_stuck", Replaced, "sample_skipped", "sample_quarantined", "numeric_failure"];

    private readonly HashSet<(string Kind, int? Epoch)> _told = [];
    private readonly HashSet<string> _lostWorkers = [];

    /// <summary>What to say of an event: a warning and a text in detail, each null where there is nothing to say.</summary>
    public (string? Warning, string? Detail) Of(RunEvent happened) => happened switch
    {
        RunWarning { NamesAll: false } warning => (Strings.Format("MoreThanNamed", warning.Message), Strings.Format("AllNamed", string.Join(Environment.NewLine, warning.Files!))),
        RunWarning warning => (warning.Message, null),
        RankLost lost => (lost.Message, null),
        LoaderChanged change => OfLoader(change),
        NumericFailureHandled failure => Once("numeric_failure", failure.Epoch, Strings.Format(
            "NumericFailureHandled", failure.GlobalStep, failure.Problem, failure.Failures, Strings.Format(failure.Action == "rollback" ? "RolledBack" : "BatchSkipped"), failure.LearningRateFactor)),
        MicroBatchHalved halved => (Strings.Format("MicroBatchHalved", Counted.Of(halved.SamplesAtOnce, "sample"), halved.SamplesAtOnce == 1 ? "is" : "are"), null),
        LossScaleHalved halved => (null, Strings.Format("LossScaleHalved", halved.GlobalStep, halved.Factor)),
        StageStarted stage => (null, Strings.Format("StageStarted", stage.Stage, string.Join(", ", stage.Settings))),
        StoppedEarly early => (null, Strings.Format("StoppedEarly", early.Patience, early.BestEpoch)),
        CheckpointSaved saved => (null, Strings.Format("CheckpointSaved", saved.Path)),
        StopRequested stop => (null, Strings.Format("StopRequested", stop.Reason)),
        _ => default,
    };

    private (string? Warning, string? Detail) OfLoader(LoaderChanged change)
    {
        if (change.Kind is "worker_died" or "worker_stuck" && change.Worker is { } lost)
            _lostWorkers.Add(lost);
        if (change.Kind == "worker_ready" && change.Worker is { } worker && _lostWorkers.Remove(worker))
            return Once(Replaced, change.Epoch, Strings.Format("WorkerReplaced", worker));
        return Warned.Contains(change.Kind) ? Once(change.Kind, change.Epoch, change.Message) : (null, change.Message);
    }

    private (string? Warning, string? Detail) Once(string kind, int? epoch, string message)
    {
        if (!_told.Add((kind, epoch)))
            return (null, message);
        return (Repeated.Contains(kind) && epoch is { } number ? Strings.Format("FirstOfItsKind", message, number) : message, message);
    }
}
