using System.Management.Automation;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>Ends a fleet; its runs go on, unless they are to be stopped too.</summary>
[Cmdlet(VerbsLifecycle.Stop, "TrainingFleet", SupportsShouldProcess = true)]
public sealed class StopTrainingFleetCommand : FleetCmdlet
{
    /// <summary>Stops its runs too, each with a checkpoint.</summary>
    [Parameter]
    public SwitchParameter StopRun { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        string path = await FleetPathAsync();
        if (await ShouldProcessAsync(path, Strings.Format(StopRun ? "StopTrainingFleetWithRunsAction" : "StopTrainingFleetAction")))
            await CallAsync(["fleet", "stop", "--path", path, .. StopRun ? (string[])["--runs"] : []], "Stop-TrainingFleet", path, _ => { }, stopping);
    }
}
