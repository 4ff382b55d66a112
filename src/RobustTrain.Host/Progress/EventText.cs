using System.Globalization;
using RobustTrain.Platform;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Progress;

/// <summary>Events as lines for people.</summary>
internal static class EventText
{
    private static readonly string[] s_leadingScores = ["f1", "iou", "precision", "recall", "accuracy"];

    /// <summary>The line of an event that people want to keep; null for those that only matter for a moment.</summary>
    public static string? Lasting(RunEvent runEvent, TrainingView view) => runEvent switch
    {
        RunStarted { ResumedFromEpoch: null } started => string.Create(CultureInfo.InvariantCulture, $"Run {started.RunPath}: {Counted.Of(started.Epochs, "epoch")} of {Counted.Of(started.StepsPerEpoch, "step")}{Beginning(started)}."),
        RunStarted started => string.Create(CultureInfo.InvariantCulture, $"Run {started.RunPath} goes on: {started.ResumedFromEpoch + 1} of {Counted.Are(started.Epochs, "epoch")} complete."),
        StageStarted stage => string.Create(CultureInfo.InvariantCulture, $"Stage {stage.Stage}, {Counted.Of(stage.StepsPerEpoch, "step")} an epoch, with {string.Join(", ", stage.Settings)}."),
        EpochFinished epoch => EpochLine(epoch, view),
        TestFinished test => string.Create(CultureInfo.InvariantCulture, $"Test with the weights of epoch {test.BestEpoch}: {Scores(test.Scores)}"),
        NumericFailureHandled failure => NumericFailure(failure),
        MicroBatchHalved halved => string.Create(CultureInfo.InvariantCulture, $"Warning: memory is short; from now on {Counted.Are(halved.SamplesAtOnce, "sample")} computed at once, and gradients are accumulated to the same batch."),
        LossScaleHalved halved => string.Create(CultureInfo.InvariantCulture, $"Step {halved.GlobalStep} is left out: its gradient is too large for 16 bits; losses are multiplied by {halved.Factor:0} from now on."),
        StoppedEarly early => string.Create(CultureInfo.InvariantCulture, $"No epoch of the last {early.Patience} was better than epoch {early.BestEpoch}: no more are trained."),
        PredictionMade made => Prediction(made),
        ImagePredicted made => string.Create(CultureInfo.InvariantCulture, $"{made.ResultPath}: {made.ResultWidth}x{made.ResultHeight} pixels of {made.Width}x{made.Height}  {Duration(TimeSpan.FromSeconds(made.DurationSeconds))}"),
        LabelPredicted label => $"{label.Image}: {string.Join("  ", label.Top.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Label} {one.Probability:0.000}")))}",
        PredictionFailed failed => $"Warning: {failed.Message} The {failed.InputName} is left out.",
        RunWarning warning => Warning(warning),
        RankLost lost => lost.Message,
        LoaderChanged { Kind: "worker_died" or "worker_stuck" or "sample_skipped" or "sample_quarantined" or "quarantine_not_written" or "fell_back" or "workers_chosen" or "cache_damaged" or "cache_not_written" } loader => $"Loader: {loader.Message}",
        StopRequested stop => $"Asked to stop ({stop.Reason}): stops after this step, with a checkpoint.",
        _ => null,
    };

    /// <summary>The line of a warning, and where all files are named that it is about.</summary>
    public static string Warning(RunWarning warning) =>
        $"Warning: {warning.Message}{(warning.NamesAll ? "" : " Its event (--events, or events.ndjson of a run) names all of them.")}";

    /// <summary>The line of a step.</summary>
    public static string Step(TrainingView view, TimeProvider time)
    {
        StepFinished step = view.LastStep!;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {view.Epoch} ({view.Epoch + 1} of {view.Epochs})  step {view.StepsDone} of {view.StepsPerEpoch}  {StepFigures(step)}{SystemFigures(view.System)}{(view.SlowestRank is { } slowest ? $"  {slowest.Describe()}" : "")}  {Left(view.TimeLeft(time))}");
    }

    /// <summary>Loss, learning rate, speed and waiting.</summary>
    public static string StepFigures(StepFinished step) => string.Create(
        CultureInfo.InvariantCulture,
        $"loss {Loss(step.Loss)}  learning rate {step.LearningRate:0.00e+0}  {step.SamplesPerSecond:0.0} samples/s  waiting for data {step.DataWaitShare * 100:0} %");

    /// <summary>How busy the host is, to stand behind a step's figures; empty where it is not known.</summary>
    public static string SystemFigures(SystemSample? sample)
    {
        if (sample is null)
            return "";

        string cpu = sample.CpuPercent is { } percent ? string.Create(CultureInfo.InvariantCulture, $"  CPU at {percent:0} %") : "";
        return cpu + string.Concat(sample.Gpus.Where(gpu => gpu.UtilizationPercent is not null)
            .Select(gpu => string.Create(CultureInfo.InvariantCulture, $"  GPU {gpu.Index} at {gpu.UtilizationPercent:0} %")));
    }

    /// <summary>The time left.</summary>
    public static string Left(TimeSpan? left) => left is { } time ? $"{Duration(time)} left" : "time left unknown yet";

    /// <summary>A time as people say it.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalDays: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h"),
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min"),
        { TotalMinutes: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
    };

    /// <summary>The best-known scores, in one order; of a task that has others the first of its own.</summary>
    public static string Scores(IReadOnlyDictionary<string, double> scores) => string.Join(
        "  ",
        (scores.ContainsKey("f1") ? s_leadingScores.Where(scores.ContainsKey) : scores.Keys.Where(name => !name.Contains('/', StringComparison.Ordinal)).Take(s_leadingScores.Length)).Select(name => string.Create(CultureInfo.InvariantCulture, $"{name} {scores[name]:0.0000}")));

    private static string Prediction(PredictionMade made) => string.Create(
        CultureInfo.InvariantCulture,
        $"{made.MapPath}: {made.ChangedShare * 100:0.00} % of {made.Width}x{made.Height} pixels {(made.Image2 is null ? "of other classes than 0" : "changed")}, mean confidence {made.MeanConfidence:0.000}  {Duration(TimeSpan.FromSeconds(made.DurationSeconds))}");

    private static string Beginning(RunStarted started) =>
        (started.StartedFrom is { } weights ? $", from the weights in {weights}" : "")
        + (started.FrozenParameters > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Counted.Of(started.FrozenParameters, "parameter")} frozen") : "");

    // One that explodes fills no line with digits.
    private static string Loss(double loss) => loss.ToString(Math.Abs(loss) < 1e6 ? "0.0000" : "0.0000e+0", CultureInfo.InvariantCulture);

    private static string NumericFailure(NumericFailureHandled failure)
    {
        string action = failure.Action == "rollback" ? "training goes on from the last good checkpoint" : "the batch is skipped";
        string factor = failure.LearningRateFactor == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", with {failure.LearningRateFactor:0.###} of the learning rate");
        return string.Create(CultureInfo.InvariantCulture, $"Warning: step {failure.GlobalStep}: {failure.Problem} Failure {failure.Failures}: {action}{factor}.");
    }

    private static string EpochLine(EpochFinished epoch, TrainingView view)
    {
        string scores = epoch.Scores is { } values ? "  " + Scores(values) : "";
        string best = epoch.IsBest ? "  (best)" : "";
        string trouble = (epoch.Loader?.Skipped > 0 ? $"  {Counted.Of(epoch.Loader.Skipped, "sample")} skipped" : "")
            + (epoch.Loader?.WorkerFailures > 0 ? $"  {Counted.Of(epoch.Loader.WorkerFailures, "worker failure")}" : "");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch} ({epoch.Epoch + 1} of {view.Epochs}) done: loss {Loss(epoch.TrainLoss)}{scores}{best}{trouble}  {epoch.SamplesPerSecond:0.0} samples/s  {Duration(TimeSpan.FromSeconds(epoch.DurationSeconds))}");
    }
}

/// <summary>How far a training is, as its events tell it.</summary>
internal sealed record TrainingView
{
    /// <summary>What is under way, for people.</summary>
    public string Phase { get; init; } = "starting";

    /// <summary>The epochs to train.</summary>
    public int Epochs { get; init; }

    /// <summary>The steps of an epoch.</summary>
    public int StepsPerEpoch { get; init; }

    /// <summary>The epoch under way, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>The steps of the epoch that are done.</summary>
    public int StepsDone { get; init; }

    /// <summary>The last step's event; null before the first.</summary>
    public StepFinished? LastStep { get; init; }

    /// <summary>The host's last figures; null before the first.</summary>
    public SystemSample? System { get; init; }

    /// <summary>The rank for which the others wait; null where there is one alone, and before they are first measured.</summary>
    public SlowestRank? SlowestRank { get; init; }

    /// <summary>How fast the steps come; null before the first.</summary>
    public TrainingPace? Pace { get; init; }

    /// <summary>The samples that the pass under way has scored, and all of its samples; null outside of a pass.</summary>
    public (string Split, int Done, int Total)? Evaluation { get; init; }

    /// <summary>The best epoch's event so far.</summary>
    public EpochFinished? Best { get; init; }

    /// <summary>The share of all steps that is done, 0 to 1.</summary>
    public double Share => Epochs * StepsPerEpoch == 0 ? 0 : (((double)Epoch * StepsPerEpoch) + StepsDone) / ((double)Epochs * StepsPerEpoch);

    /// <summary>The time that is left; null before there is a speed.</summary>
    public TimeSpan? TimeLeft(TimeProvider time) => Pace?.TimeLeft((long)Epochs * StepsPerEpoch, time);

    /// <summary>The view after an event.</summary>
    /// <param name="runEvent">The event.</param>
    /// <param name="timestamp">The clock's timestamp when it came.</param>
    public TrainingView After(RunEvent runEvent, long timestamp) => runEvent switch
    {
        RunStarted started => this with { Epochs = started.Epochs, StepsPerEpoch = started.StepsPerEpoch, Phase = "starting", SlowestRank = null },
        StageStarted stage => this with { StepsPerEpoch = stage.StepsPerEpoch },
        EpochStarted epoch => this with { Epoch = epoch.Epoch, StepsDone = 0, Phase = "training", Evaluation = null },
        StepFinished step => this with
        {
            Epoch = step.Epoch,
            StepsDone = step.Step + 1,
            LastStep = step,
            Pace = TrainingPace.After(Pace, step, timestamp),
            Phase = "training",
            Evaluation = null,
        },
        EvaluationProgress pass => this with { Evaluation = (pass.Split, pass.Done, pass.Total), Phase = pass.Split == "test" ? "testing" : "validating" },
        EpochFinished epoch => this with { StepsDone = StepsPerEpoch, Evaluation = null, Best = epoch.IsBest ? epoch : Best },
        SystemSample sample => this with { System = sample },
        RanksMeasured measured => this with { SlowestRank = measured.Summary() },
        StopRequested => this with { Phase = "stopping with a checkpoint" },
        _ => this,
    };
}
