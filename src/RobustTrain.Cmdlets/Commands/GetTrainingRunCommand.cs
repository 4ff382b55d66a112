using System.Management.Automation;
using RobustTrain.Cmdlets.Output;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Reads runs from their folders: one, or all below a folder.</summary>
[Cmdlet(VerbsCommon.Get, "TrainingRun", DefaultParameterSetName = PathSet)]
[OutputType(typeof(TrainingRun), typeof(TrainingAttempt))]
public sealed class GetTrainingRunCommand : RunSearchCmdlet
{
    /// <summary>Only runs of these names; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [FromObject("Name", EscapesWildcards = true)]
    public string[] Name { get; set; } = ["*"];

    /// <summary>Only runs in these states.</summary>
    [Parameter]
    public RunState[] State { get; set; } = Enum.GetValues<RunState>();

    /// <summary>Writes, in place of the runs, each process that has worked on them: when it began, how far it came, and how it ended.</summary>
    [Parameter]
    public SwitchParameter History { get; set; }

    private protected override async Task ProcessFolderAsync(string folder, CancellationToken stopping)
    {
        foreach (string run in RunSearch.Below(folder))
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                RunRecord record = RunFolder.ReadRecord(run);
                if (State.Contains(record.ObservedState) && Name.Any(pattern => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(record.Name)))
                    await WriteAsync(record, run);
            }
            catch (RunException unreadable)
            {
                // One damaged record must not hide the other runs.
                await WriteErrorAsync(unreadable, run);
            }
        }
    }

    private async Task WriteAsync(RunRecord record, string run)
    {
        if (!History)
        {
            await WriteObjectAsync(TrainingRun.From(record, run));
            return;
        }

        foreach (TrainingAttempt attempt in TrainingAttempt.Of(record, run))
            await WriteObjectAsync(attempt);
    }
}
