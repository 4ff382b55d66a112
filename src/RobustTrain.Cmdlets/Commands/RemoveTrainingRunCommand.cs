using System.Management.Automation;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Removes runs that no process works on.</summary>
[Cmdlet(VerbsCommon.Remove, "TrainingRun", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = PathSet)]
[OutputType(typeof(void))]
public sealed class RemoveTrainingRunCommand : RunCmdlet
{
    private protected override async Task ProcessRunAsync(string run, CancellationToken stopping)
    {
        RunRecord record = RunRemoval.Check(run);
        string action = Strings.Format("RemoveRunAction", record.Name, record.EpochsDone, Counted.Of(record.Epochs, "epoch"));
        if (await ShouldProcessAsync(run, action))
            RunRemoval.Remove(run);
    }
}
