using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Stops monitors and waits until nothing of them runs.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Monitor", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(MonitorJob))]
public sealed class StopMonitorCommand : JobCmdlet<MonitorJob>
{
    /// <summary>The monitors' names; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MonitorNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>Writes the monitors once they have stopped.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessRecordAsync(CancellationToken stopping) => StopAsync(Name, _ => Strings.Format("StopMonitorAction"), PassThru, stopping);
}
