using System.Management.Automation;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads the epochs of runs from their journals: the objects that Start-Training has written, or would have.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingEpoch", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingEpoch))]
public sealed class GetTrainingEpochCommand : RunCmdlet
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Goes on with the epochs of a live run as they end, until the run ends.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunFolder.ReadRecord(run);
        RunJournalReader journal = new(RunFolder.JournalPathOf(run));
        RunStarted? process = null;
        for (bool isFirst = true; ; isFirst = false)
        {
            // What is written between the look at the process and the end of the journal is read with it.
            bool isLive = Wait && RunFolder.ReadRecord(run).ObservedState == RunState.Running;
            List<(EpochFinished Epoch, RunStarted Process)> found = [];
            foreach (RunEvent happened in journal.ReadNew())
            {
                process = happened as RunStarted ?? process;
                if (happened is EpochFinished epoch && process is not null)
                    found.Add((epoch, process));
            }

            // An epoch that a killed process had ended, but not saved, was trained again: the last one counts.
            foreach ((EpochFinished epoch, RunStarted by) in isFirst ? found.GroupBy(one => one.Epoch.Epoch).OrderBy(same => same.Key).Select(same => same.Last()) : found)
            {
                stopping.ThrowIfCancellationRequested();
                // Where the folder was moved, its journal doesn't know.
                await WriteObjectAsync(TrainingEpoch.From(epoch, by with { RunPath = run }));
            }

            if (!isLive)
                return;
            await Task.Delay(PollInterval, stopping);
        }
    }
}
