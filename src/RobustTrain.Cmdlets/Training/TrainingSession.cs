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

    private readonly HostCall trainer = new(request.TrainArguments(hasLifeLine: true), request.WorkingFolder, lifetime, StopGrace, request.Subject);
    private readonly TrainingProgress progress = new(progressId, TimeProvider.System);
    private RunStarted? started;
    private bool isViewClosed;

    /// <summary>The run's folder, once the trainer has said it.</summary>
    public string? RunPath => started?.RunPath;

    /// <summary>The trainer's process, once it runs.</summary>
    public int? ProcessId => trainer.ProcessId;

    /// <summary>The trainer's exit code, once it has ended.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Runs the trainer to its end. The token makes it stop with a checkpoint, within <see cref="StopGrace"/>.</summary>
    /// <exception cref="RunException">The trainer failed.</exception>
    /// <exception cref="OperationCanceledException">It was stopped by the token.</exception>
    public async Task RunAsync(CancellationToken stopping)
    {
        HostEnd end = await trainer.RunAsync(happened => TakeAsync(happened, stopping), stopping).ConfigureAwait(false);
        ExitCode = end.ExitCode;
        await ShowAsync(() => view.ShowAsync(progress.Done())).ConfigureAwait(false);
        await ShowRunAsync(end).ConfigureAwait(false);
        stopping.ThrowIfCancellationRequested();
        if (end.Failure is not null)
            throw end.Failure;

        if (end.ExitCode == (int)Runs.ExitCode.Stopped)
            await ShowAsync(() => view.WarnAsync(Strings.Format("StoppedFromOutside", RunPath))).ConfigureAwait(false);
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
            case EpochFinished epoch when started is not null:
                await ShowAsync(() => view.WriteAsync(TrainingEpoch.From(epoch, started))).ConfigureAwait(false);
                break;
            case RunWarning warning:
                await ShowAsync(() => view.WarnAsync(warning.Message)).ConfigureAwait(false);
                break;
        }

        if (!stopping.IsCancellationRequested && progress.After(happened) is { } record)
            await ShowAsync(() => view.ShowAsync(record)).ConfigureAwait(false);
    }

    private async Task ShowRunAsync(HostEnd end)
    {
        // A run that was finished before has no trainer that would say where it is.
        string? path = RunPath ?? (end.ExitCode == (int)Runs.ExitCode.Finished ? request.RunPath : null);
        if (path is null)
            return;

        PSObject run;
        try
        {
            run = TrainingRun.From(RunFolder.ReadRecord(path), path);
        }
        catch (RunException) when (end.Failure is not null)
        {
            // Why the trainer failed says more than that it could not even write its record.
            return;
        }

        await ShowAsync(() => view.WriteAsync(run)).ConfigureAwait(false);
    }

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
