using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Stops monitors and waits until nothing of them runs.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Monitor", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(MonitorJob))]
public sealed class StopMonitorCommand : MonitorCmdlet
{
    private const string NameSet = "Name";
    private const string IdSet = "Id";
    private const string InputObjectSet = "InputObject";

    /// <summary>The monitors' names; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MonitorNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    /// <summary>The monitors' ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    public int[] Id { get; set; } = [];

    /// <summary>The monitors themselves.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public MonitorJob[] InputObject { get; set; } = [];

    /// <summary>Writes the monitors once they have stopped.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        IReadOnlyList<MonitorJob> wanted = ParameterSetName switch
        {
            IdSet => await FindAsync(Id),
            InputObjectSet => InputObject,
            _ => await FindAsync(Name),
        };

        var ending = new List<MonitorJob>();
        foreach (MonitorJob job in wanted)
        {
            if (await ShouldProcessAsync(job.Name, Strings.Format("StopMonitorAction")))
                ending.Add(job);
        }

        foreach (MonitorJob job in ending)
            job.StopJob();

        foreach (MonitorJob job in ending)
        {
            await job.Ended.WaitAsync(stopping);
            if (PassThru)
                await WriteObjectAsync(job);
        }
    }
}
