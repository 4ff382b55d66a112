using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Lists the session's monitors with their own health.</summary>
[Cmdlet(VerbsCommon.Get, "Monitor", DefaultParameterSetName = NameSet)]
[OutputType(typeof(MonitorJob))]
public sealed class GetMonitorCommand : JobCmdlet<MonitorJob>
{
    /// <summary>The monitors' names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MonitorNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        foreach (MonitorJob job in await FindAsync(Name))
            await WriteObjectAsync(job);
    }
}
