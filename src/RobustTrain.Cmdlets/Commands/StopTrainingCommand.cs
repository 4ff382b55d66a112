using System.ComponentModel;
using System.Diagnostics;
using System.Management.Automation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Stops live runs, each with a checkpoint, wherever on this machine they were started.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Training", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingRun))]
public sealed class StopTrainingCommand : RunCmdlet
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>How long to wait for the checkpoint.</summary>
    [Parameter]
    [ValidateRange(0, 86400)]
    public int TimeoutSeconds { get; set; } = 60;

    /// <summary>Ends the run at once, without a checkpoint.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Writes the run as it stands afterwards.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        if (record.State != RunState.Running || record.Process.IsAlive() == false)
        {
            await WriteWarningAsync(Strings.Format("NotRunning", run, record.ObservedState.ToString().ToLowerInvariant()));
        }
        else if (record.Process.IsAlive() is null)
        {
            throw new RunException(ExitCode.Configuration, "RunOnAnotherComputer", Strings.Format("RunOnAnotherComputer", run, record.Process.Host), run);
        }
        else if (await ShouldProcessAsync(run, Strings.Format(Force ? "KillTrainingAction" : "StopTrainingAction", record.Process.ProcessId)))
        {
            TrainingJob? job = await OnPipelineThread(() => TrainingJob.OfProcess(record.Process.ProcessId));
            Request(run, record.Process, job);
            await WaitAsync(run, record.Process, stopping);
            // Its process is gone; the job says so a moment later.
            await (job?.Ended ?? Task.CompletedTask).WaitAsync(stopping);
        }
        else
        {
            return;
        }

        if (PassThru)
            await WriteObjectAsync(TrainingRun.From(RunFolder.ReadRecord(run), run));
    }

    private void Request(string run, ProcessIdentity process, TrainingJob? job)
    {
        if (job is not null && Force)
            job.Kill();
        else if (job is not null)
            job.StopJobAsync();
        else if (process.IsAlive() != true)
            return;
        else if (Force)
            Kill(process.ProcessId, run);
        else if (StopRequest.Send(process.ProcessId) is { } refusal)
            throw Refused(process.ProcessId, refusal, run);
    }

    private static void Kill(int processId, string run)
    {
        try
        {
            using Process found = Process.GetProcessById(processId);
            found.Kill(entireProcessTree: OperatingSystem.IsWindows());
        }
        catch (ArgumentException)
        {
            // It has ended meanwhile.
        }
        catch (Win32Exception refused)
        {
            throw Refused(processId, refused.Message, run);
        }
    }

    private static RunException Refused(int processId, string reason, string run) =>
        new(ExitCode.Configuration, "SignalRefused", Strings.Format("SignalRefused", processId, reason), run);

    private async Task WaitAsync(string run, ProcessIdentity process, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(TimeSpan.FromSeconds(TimeoutSeconds));
        try
        {
            while (process.IsAlive() == true)
                await Task.Delay(PollInterval, limit.Token);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            throw new RunException(ExitCode.Unexpected, "TrainingNotStopped", Strings.Format("TrainingNotStopped", run, TimeoutSeconds, process.ProcessId), run);
        }
    }
}
