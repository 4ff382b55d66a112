using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>One trainer process from its start to its end, shown in a view.</summary>
internal sealed class TrainingSession(TrainingRequest request, ITrainingView view, RunspaceLifetime lifetime, int progressId)
{
    /// <summary>How long a trainer that was told to stop may take for its checkpoint before it is killed.</summary>
    public static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(60);

    private readonly HostCall _trainer = new(request.TrainArguments(hasLifeLine: true), request.WorkingFolder, lifetime, StopGrace, request.Subject, request.Words) { Prepare = request.ApplyTo };
    private readonly TrainingProgress _progress = new(progressId, TimeProvider.System);
    private readonly TrainingNotices _notices = new();
    private RunStarted? _started;
    private bool _isViewClosed;

    /// <summary>The run's folder, once the trainer has said it.</summary>
    public string? RunPath => _started?.RunPath;

    /// <summary>The trainer's process, once it runs.</summary>
    public int? ProcessId => _trainer.ProcessId;

    /// <summary>The trainer's exit code, once it has ended.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>The checkpoint that was written last; null before there is one.</summary>
    public string? LastCheckpoint { get; private set; }

    /// <summary>What the operator of a training that was stopped has to know; null where it had finished, or has not ended.</summary>
    public string? StopReport { get; private set; }

    /// <summary>Runs the trainer to its end. The token makes it stop with a checkpoint, within <see cref="StopGrace"/>.</summary>
    /// <exception cref="RunException">The trainer failed.</exception>
    /// <exception cref="OperationCanceledException">It was stopped by the token.</exception>
    public async Task RunAsync(CancellationToken stopping)
    {
        HostEnd end = await _trainer.RunAsync(happened => TakeAsync(happened, stopping), stopping).ConfigureAwait(false);
        ExitCode = end.ExitCode;
        StopReport = ReportOf(end);
        await ShowAsync(() => view.ShowAsync(_progress.Done())).ConfigureAwait(false);
        await ShowRunAsync(end).ConfigureAwait(false);
        if (stopping.IsCancellationRequested && StopReport is not null)
            await ShowAsync(() => view.WarnAsync(StopReport)).ConfigureAwait(false);
        stopping.ThrowIfCancellationRequested();
        if (end.Failure is not null)
            throw end.Failure;

        if (end.ExitCode == (int)Runs.ExitCode.Stopped)
            await ShowAsync(() => view.WarnAsync(LastCheckpoint is null ? StopReport! : Strings.Format("StoppedFromOutside", LastCheckpoint, Quoted(RunPath)))).ConfigureAwait(false);
    }

    /// <summary>Ends the trainer at once, without a checkpoint.</summary>
    public void Kill() => _trainer.Kill();

    private async Task TakeAsync(RunEvent happened, CancellationToken stopping)
    {
        switch (happened)
        {
            case RunStarted run:
                _started = run;
                break;
            case CheckpointSaved saved:
                LastCheckpoint = saved.Path;
                break;
            case EpochFinished epoch when _started is not null && !request.WritesRun:
                await ShowAsync(() => view.WriteAsync(TrainingEpoch.From(epoch, _started))).ConfigureAwait(false);
                break;
        }

        (string? warning, string? detail) = _notices.Of(happened);
        if (warning is not null)
            await ShowAsync(() => view.WarnAsync(request.Words.Of(warning))).ConfigureAwait(false);
        if (detail is not null)
            await ShowAsync(() => view.DetailAsync(request.Words.Of(detail))).ConfigureAwait(false);
        if (!stopping.IsCancellationRequested && _progress.After(happened) is { } record)
            await ShowAsync(() => view.ShowAsync(record)).ConfigureAwait(false);
    }

    private string? ReportOf(HostEnd end)
    {
        if (end.ExitCode == (int)Runs.ExitCode.Finished)
            return null;
        if (end.Failure is not null)
            return Strings.Format("EndedAtStop", end.ExitCode, end.Failure.Message);
        if (RunPath is null)
            return Strings.Format("StoppedBeforeRun");
        return LastCheckpoint is null ? Strings.Format("StoppedBeforeCheckpoint", Quoted(RunPath)) : Strings.Format("StoppedWithCheckpoint", LastCheckpoint, Quoted(RunPath));
    }

    private static string Quoted(string? text) => $"'{text?.Replace("'", "''", StringComparison.Ordinal)}'";

    private async Task ShowRunAsync(HostEnd end)
    {
        // A run that was finished before has no trainer that would say where it is.
        string? path = RunPath ?? (end.ExitCode == (int)Runs.ExitCode.Finished ? request.RunPath : null);
        if (path is null)
            return;

        RunRecord run;
        try
        {
            run = RunFolder.ReadRecord(path);
        }
        catch (RunException) when (end.Failure is not null)
        {
            // Why the trainer failed says more than that it could not even write its record.
            return;
        }

        if (request.WritesRun)
            await ShowAsync(() => view.WriteAsync(TrainingRun.From(run, path))).ConfigureAwait(false);
        else if (run.State == RunState.Finished)
            await ShowAsync(() => view.TellAsync(EndOf(run, path))).ConfigureAwait(false);
    }

    private static string EndOf(RunRecord run, string path)
    {
        // That of all of the test, where a validation set's decided.
        string metric = run.Task is null or ScoreProperties.ChangeTask && run.TestScores?.ContainsKey(ScoreProperties.ChangeMetric) == true ? ScoreProperties.ChangeMetric : run.BestMetric[(run.BestMetric.IndexOf('/', StringComparison.Ordinal) + 1)..];
        string score = run.TestScores?.TryGetValue(metric, out double value) == true ? Strings.Format("RunTestScore", ScoreProperties.PropertyName(metric), value) : "";
        return Strings.Format("RunEnded", run.Name, run.EpochsDone, Counted.Of(run.Epochs, "epoch"), score, path);
    }

    // A closed pipeline takes nothing more; the trainer still has to come to its end.
    private async Task ShowAsync(Func<Task> show)
    {
        if (_isViewClosed)
            return;

        try
        {
            await show().ConfigureAwait(false);
        }
        catch (Exception closed) when (closed is PipelineStoppedException or ObjectDisposedException)
        {
            _isViewClosed = true;
        }
    }
}

/// <summary>Where a training shows itself: a cmdlet's pipeline, or a job's streams.</summary>
internal interface ITrainingView
{
    /// <summary>An epoch, or the run at its end.</summary>
    Task WriteAsync(PSObject value);

    /// <summary>Tells something that is no result, as Write-Host does.</summary>
    Task TellAsync(string message);

    /// <summary>Something that the operator should know.</summary>
    Task WarnAsync(string message);

    /// <summary>What happens in detail, for those who ask for it.</summary>
    Task DetailAsync(string message);

    /// <summary>How far the training is.</summary>
    Task ShowAsync(ProgressRecord progress);
}

/// <summary>How far a training is, from its events: what Write-Progress shows.</summary>
/// <param name="activityId">Tells this training's line apart from others'.</param>
/// <param name="clock">The time, from which the time left is estimated.</param>
internal sealed class TrainingProgress(int activityId, TimeProvider clock)
{
    private RunStarted? _run;
    private TrainingPace? _pace;
    private SlowestRank? _slowest;

    /// <summary>What to show after an event; null where it changes nothing.</summary>
    public ProgressRecord? After(RunEvent happened)
    {
        switch (happened)
        {
            case RunStarted started:
                (_run, _slowest) = (started, null);
                return Record("starting");
            case RanksMeasured measured:
                _slowest = measured.Summary();
                return null;
            case StepFinished step when _run is not null:
                return AfterStep(step, _run);
            case EvaluationProgress evaluation when _run is not null:
                ProgressRecord record = Record($"{(evaluation.Split == "test" ? "testing" : "validating")}: {evaluation.Done} of {evaluation.Total}");
                record.PercentComplete = (int)(100L * evaluation.Done / Math.Max(1, evaluation.Total));
                return record;
            default:
                return null;
        }
    }

    /// <summary>Takes the line away.</summary>
    public ProgressRecord Done()
    {
        ProgressRecord record = Record("done");
        record.RecordType = ProgressRecordType.Completed;
        return record;
    }

    private ProgressRecord AfterStep(StepFinished step, RunStarted started)
    {
        long steps = (long)started.Epochs * started.StepsPerEpoch;
        ProgressRecord record = Record(string.Create(CultureInfo.InvariantCulture,
            $"epoch {step.Epoch} of {started.Epochs}, step {step.Step + 1} of {started.StepsPerEpoch}, loss {step.Loss:G4}, learning rate {step.LearningRate:G3}, {step.SamplesPerSecond:F0} samples/s{(_slowest is { } slowest ? $", {slowest.Describe()}" : "")}"));
        record.PercentComplete = (int)Math.Clamp(100 * (step.GlobalStep + 1) / Math.Max(1, steps), 0, 100);
        _pace = TrainingPace.After(_pace, step, clock.GetTimestamp());
        if (_pace.Value.TimeLeft(steps, clock) is { } left)
            record.SecondsRemaining = (int)left.TotalSeconds;
        return record;
    }

    private ProgressRecord Record(string status) =>
        new(activityId, _run is null ? "Training" : $"Training {Path.GetFileName(_run.RunPath)}", status);
}

/// <summary>What a trainer is told on its command line.</summary>
internal sealed record TrainingRequest
{
    /// <summary>The configuration file, absolute; null where settings say it all.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Settings <c>key=value</c> that win over the file; the last wins.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The run's folder, absolute; null leaves the choice to the trainer.</summary>
    public string? RunPath { get; init; }

    /// <summary>What to do where the folder holds a run; null for the trainer's default.</summary>
    public ResumeMode? Resume { get; init; }

    /// <summary>What relative paths are relative to.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>How many ranks train it, and where, as the executable's options; none for one process.</summary>
    public IReadOnlyList<string> RankArguments { get; init; } = [];

    /// <summary>Whether the run is written when it has ended, in place of its epochs.</summary>
    public bool WritesRun { get; init; }

    /// <summary>Who the trainer tells how it ends: commands and webhooks.</summary>
    public IReadOnlyList<string> OnEvent { get; init; } = [];

    /// <summary>How the cmdlet calls what the executable names by its options.</summary>
    public CmdletWords Words { get; init; } = CmdletWords.Plain;

    /// <summary>For people: what is trained.</summary>
    public string Subject => RunPath ?? ConfigurationPath ?? string.Join(' ', Settings);

    /// <summary>The configuration and its settings as arguments, for any command that takes them.</summary>
    public IEnumerable<string> ConfigurationArguments()
    {
        if (ConfigurationPath is not null)
            yield return ConfigurationPath;

        foreach (string setting in Settings)
        {
            yield return "--set";
            yield return setting;
        }
    }

    /// <summary>The same, and the run with what to do with it.</summary>
    public IEnumerable<string> RunArguments()
    {
        foreach (string argument in ConfigurationArguments())
            yield return argument;

        if (RunPath is not null)
        {
            yield return "--run-path";
            yield return RunPath;
        }

        if (Resume is { } mode)
        {
            yield return "--resume";
            yield return mode.ToString().ToLowerInvariant();
        }

        foreach (string argument in RankArguments)
            yield return argument;
    }

    /// <summary>Hands over who is told.</summary>
    public void ApplyTo(ProcessStartInfo start) => HandOver(OnEvent, start);

    /// <summary>
    /// Hands over who is told: in the environment, which others can't read, since the address of a webhook often holds its password. What the shell's
    /// own environment names is told, too.
    /// </summary>
    public static void HandOver(IReadOnlyList<string> onEvent, ProcessStartInfo start)
    {
        const string variable = "ROBUSTTRAIN_ON_EVENT";
        if (onEvent.Count > 0)
            start.Environment[variable] = string.Join('\n', [.. onEvent, start.Environment.TryGetValue(variable, out string? before) ? before : ""]);
    }

    /// <summary>The arguments of <c>robusttrain train</c>.</summary>
    /// <param name="hasLifeLine">Whether the trainer is to end with the process that starts it.</param>
    public IEnumerable<string> TrainArguments(bool hasLifeLine)
    {
        yield return "train";
        foreach (string argument in RunArguments())
            yield return argument;

        yield return "--events";
        if (hasLifeLine)
            yield return "--life-line";
    }
}
