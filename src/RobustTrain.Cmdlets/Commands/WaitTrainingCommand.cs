using System.Management.Automation;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Waits until runs have ended, wherever they were started.</summary>
[Cmdlet(VerbsLifecycle.Wait, "Training", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingRun))]
public sealed class WaitTrainingCommand : RunCmdlet
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    private long _began;

    /// <summary>How long to wait for all of them; without it as long as it takes.</summary>
    [Parameter]
    [ValidateRange(0, 31_536_000)]
    public int? TimeoutSeconds { get; set; }

    /// <inheritdoc/>
    protected override Task BeginProcessingAsync(CancellationToken stopping)
    {
        _began = TimeProvider.System.GetTimestamp();
        return Task.CompletedTask;
    }

    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunFolder.ReadRecord(run);
        string activity = Strings.Format("WaitActivity", run);
        while (record.ObservedState == RunState.Running)
        {
            if (TimeoutSeconds is { } limit && TimeProvider.System.GetElapsedTime(_began).TotalSeconds >= limit)
                throw new RunException(ExitCode.Unexpected, "TrainingNotEnded", Strings.Format("TrainingNotEnded", run, limit, record.EpochsDone, Counted.Of(record.Epochs, "epoch")), run);
            await WriteProgressAsync(new ProgressRecord(1, activity, Strings.Format("WaitProgress", record.EpochsDone, Counted.Of(record.Epochs, "epoch"))) { PercentComplete = 100 * record.EpochsDone / Math.Max(1, record.Epochs) });
            await Task.Delay(PollInterval, stopping);
            record = RunFolder.ReadRecord(run);
        }

        await WriteProgressAsync(new ProgressRecord(1, activity, "done") { RecordType = ProgressRecordType.Completed });
        await WriteObjectAsync(TrainingRun.From(record, run));
    }
}
