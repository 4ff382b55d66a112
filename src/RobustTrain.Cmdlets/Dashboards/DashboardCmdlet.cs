using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Dashboards;

/// <summary>A cmdlet that takes the session's pages.</summary>
public abstract class DashboardCmdlet : JobCmdlet<DashboardJob>
{
    /// <summary>The pages' names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DashboardNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];
}

/// <summary>Lists the session's pages.</summary>
[Cmdlet(VerbsCommon.Get, "Dashboard", DefaultParameterSetName = NameSet)]
[OutputType(typeof(DashboardJob))]
public sealed class GetDashboardCommand : DashboardCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        foreach (DashboardJob job in await FindAsync(Name))
            await WriteObjectAsync(job);
    }
}

/// <summary>Ends pages, and waits until their servers are gone.</summary>
[Cmdlet(VerbsLifecycle.Stop, "Dashboard", SupportsShouldProcess = true, DefaultParameterSetName = NameSet)]
[OutputType(typeof(DashboardJob))]
public sealed class StopDashboardCommand : DashboardCmdlet
{
    /// <summary>Writes the pages once they have ended.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <inheritdoc/>
    protected override Task ProcessRecordAsync(CancellationToken stopping) => StopAsync(Name, page => Strings.Format("StopDashboardAction", page.Address), PassThru, stopping);
}
