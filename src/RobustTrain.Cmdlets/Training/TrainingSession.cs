using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Processes;
using RobustTrain.Cmdlets.Resources;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Training;

/// <summary>One trainer process from its start to its end, shown in a view.</summary>
internal sealed class TrainingSession(TrainingRequest request, ITrainingView view, RunspaceLifetime lifetime, int progressId)
{
    /// <summary>How long a trainer that was told to stop may take for its checkpoint before it is killed.</summary>
    public static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(60);

    private readonly HostCall trainer = new(request.TrainArguments(hasLifeLine: true), request.WorkingFolder, lifetime, StopGrace, request.Subject, request.Words);
    private readonly TrainingProgress progress = new(progressId, TimeProvider.System);
    private readonly TrainingNotices notices = new();
    private RunStarted? started;
    private bool isViewClosed;

    /// <summary>The run's folder, once the trainer has said it.</summary>
    public string? RunPath => started?.RunPath;

    /// <summary>The trainer's process, once it runs.</summary>
    public int? ProcessId => trainer.ProcessId;

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
        HostEnd end = await trainer.RunAsync(happened => TakeAsync(happened, stopping), stopping).ConfigureAwait(false);
        ExitCode = end.ExitCode;
        StopReport = ReportOf(end);
        await ShowAsync(() => view.ShowAsync(progress.Done())).ConfigureAwait(false);
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
    public void Kill() => trainer.Kill();

    private async Task TakeAsync(RunEvent happened, CancellationToken stopping)
    {
        switch (happened)
        {
            case RunStarted run:
                started = run;
                break;
            case CheckpointSaved saved:
                LastCheckpoint = saved.Path;
                break;
            case EpochFinished epoch when started is not null && !request.WritesRun:
                await ShowAsync(() => view.WriteAsync(TrainingEpoch.From(epoch, started))).ConfigureAwait(false);
                break;
        }

        (string? warning, string? detail) = notices.Of(happened);
        if (warning is not null)
            await ShowAsync(() => view.WarnAsync(request.Words.Of(warning))).ConfigureAwait(false);
        if (detail is not null)
            await ShowAsync(() => view.DetailAsync(request.Words.Of(detail))).ConfigureAwait(false);
        if (!stopping.IsCancellationRequested && progress.After(happened) is { } record)
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

    private static string EndOf(RunRecord run, string path) => Strings.Format(
        "RunEnded", run.Name, run.EpochsDone, Counted.Of(run.Epochs, "epoch"), run.TestScores?.TryGetValue("f1", out double f1) == true ? Strings.Format("RunTestScore", f1) : "", path);

    // A closed pipeline takes nothing more; the trainer still has to come to its end.
    private async Task ShowAsync(Func<Task> show)
    {
        if (isViewClosed)
            return;

        try
        {
            await show().ConfigureAwait(false);
        }
        catch (Exception closed) when (closed is PipelineStoppedException or ObjectDisposedException)
        {
            isViewClosed = true;
        }
    }
}
