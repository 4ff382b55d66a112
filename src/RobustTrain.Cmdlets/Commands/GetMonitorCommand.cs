using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Lists the session's monitors with their own health.</summary>
[Cmdlet(VerbsCommon.Get, "Monitor", DefaultParameterSetName = NameSet)]
[OutputType(typeof(MonitorJob))]
public sealed class GetMonitorCommand : MonitorCmdlet
{
    private const string NameSet = "Name";
    private const string IdSet = "Id";
    private const string InputObjectSet = "InputObject";

    /// <summary>The monitors' names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MonitorNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    /// <summary>The monitors' ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    public int[] Id { get; set; } = [];

    /// <summary>The monitors themselves.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public MonitorJob[] InputObject { get; set; } = [];

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        IReadOnlyList<MonitorJob> wanted = ParameterSetName switch
        {
            IdSet => await FindAsync(Id),
            InputObjectSet => InputObject,
            _ => await FindAsync(Name),
        };
        foreach (MonitorJob job in wanted)
            await WriteObjectAsync(job);
    }
}
