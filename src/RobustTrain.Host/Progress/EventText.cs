using System.Globalization;
using RobustTrain.Runs;
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
        RunStarted started => string.Create(CultureInfo.InvariantCulture, $"Run {started.RunPath} goes on: {started.ResumedFromEpoch + 1} of {Counted.Of(started.Epochs, "epoch")} {(started.Epochs == 1 ? "is" : "are")} complete."),
        EpochFinished epoch => EpochLine(epoch, view),
        TestFinished test => string.Create(CultureInfo.InvariantCulture, $"Test with the weights of epoch {test.BestEpoch}: {Scores(test.Scores)}"),
        NumericFailureHandled failure => NumericFailure(failure),
        MicroBatchHalved halved => string.Create(CultureInfo.InvariantCulture, $"Warning: memory is short; from now on {Counted.Of(halved.SamplesAtOnce, "sample")} {(halved.SamplesAtOnce == 1 ? "is" : "are")} computed at once, and gradients are accumulated to the same batch."),
        StoppedEarly early => string.Create(CultureInfo.InvariantCulture, $"No epoch of the last {early.Patience} was better than epoch {early.BestEpoch}: no more are trained."),
        RunWarning warning => $"Warning: {warning.Message}",
        LoaderChanged { Kind: "worker_died" or "worker_stuck" or "sample_skipped" or "sample_quarantined" or "quarantine_not_written" or "fell_back" or "workers_chosen" } loader => $"Loader: {loader.Message}",
        StopRequested stop => $"Asked to stop ({stop.Reason}): stops after this step, with a checkpoint.",
        _ => null,
    };

    /// <summary>The line of a step.</summary>
    public static string Step(TrainingView view, TimeProvider time)
    {
        StepFinished step = view.LastStep!;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {view.Epoch} ({view.Epoch + 1} of {view.Epochs})  step {view.StepsDone} of {view.StepsPerEpoch}  {StepFigures(step)}{SystemFigures(view.System)}  {Left(view.TimeLeft(time))}");
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

    /// <summary>The best-known scores, in one order.</summary>
    public static string Scores(IReadOnlyDictionary<string, double> scores) => string.Join(
        "  ",
        s_leadingScores.Where(scores.ContainsKey).Select(name => string.Create(CultureInfo.InvariantCulture, $"{name} {scores[name]:0.0000}")));

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
