using System.Management.Automation;
using System.Text;
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

    private readonly TrainingProgress progress = new(progressId, TimeProvider.System);
    private HostProcess? trainer;
    private RunStarted? started;
    private RunFinished? finished;
    private bool isViewClosed;

    /// <summary>The run's folder, once the trainer has said it.</summary>
    public string? RunPath => started?.RunPath;

    /// <summary>The trainer's process, once it runs.</summary>
    public int? ProcessId => trainer?.Id;

    /// <summary>The trainer's exit code, once it has ended.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Runs the trainer to its end. The token makes it stop with a checkpoint, within <see cref="StopGrace"/>.</summary>
    /// <exception cref="RunException">The trainer failed.</exception>
    /// <exception cref="OperationCanceledException">It was stopped by the token.</exception>
    public async Task RunAsync(CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        using HostProcess process = HostProcess.Start(request.TrainArguments(hasLifeLine: true), request.WorkingFolder, lifetime);
        trainer = process;
        using var overdue = new Timer(_ => process.Kill());
        using CancellationTokenRegistration stop = stopping.Register(() =>
        {
            process.RequestStop();
            overdue.Change(StopGrace, Timeout.InfiniteTimeSpan);
        });

        // From here on whatever happens to the view, the trainer's output is read to its end: a full pipe would hold it up.
        await foreach (string line in process.ReadLinesAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (EventLine.Read(Encoding.UTF8.GetBytes(line)) is { } happened)
                await TakeAsync(happened, stopping).ConfigureAwait(false);
        }

        int exitCode = await process.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        ExitCode = exitCode;
        await ShowAsync(() => view.ShowAsync(progress.Done())).ConfigureAwait(false);
        if (started is not null)
            await ShowAsync(() => view.WriteAsync(TrainingRun.From(RunFolder.ReadRecord(started.RunPath), started.RunPath))).ConfigureAwait(false);

        stopping.ThrowIfCancellationRequested();
        if (TrainerEnd.ErrorOf(exitCode, finished, process.ErrorLines, request.Subject) is { } failure)
            throw failure;

        if (exitCode == (int)Runs.ExitCode.Stopped)
            await ShowAsync(() => view.WarnAsync(Strings.Format("StoppedFromOutside", started?.RunPath))).ConfigureAwait(false);
    }

    /// <summary>Ends the trainer at once, without a checkpoint.</summary>
    public void Kill() => trainer?.Kill();

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
            case RunFinished end:
                finished = end;
                break;
        }

        if (!stopping.IsCancellationRequested && progress.After(happened) is { } record)
            await ShowAsync(() => view.ShowAsync(record)).ConfigureAwait(false);
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
        catch (Exception closed) when (closed is PipelineStoppedException or FlowControlException or ActionPreferenceStopException or ObjectDisposedException)
        {
            isViewClosed = true;
        }
    }
}
