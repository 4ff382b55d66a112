using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Dashboards;

/// <summary>A cmdlet that takes the session's pages.</summary>
public abstract class DashboardCmdlet : RobustTrainCmdlet
{
    private protected const string NameSet = "Name";
    private protected const string IdSet = "Id";
    private protected const string InputObjectSet = "InputObject";

    /// <summary>The pages' names; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = NameSet, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DashboardNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = ["*"];

    /// <summary>The pages' ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    public int[] Id { get; set; } = [];

    /// <summary>The pages themselves.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InputObjectSet, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public DashboardJob[] InputObject { get; set; } = [];

    /// <summary>The pages that are meant; one that is not there is an error.</summary>
    private protected async Task<IReadOnlyList<DashboardJob>> FindAsync()
    {
        if (ParameterSetName == InputObjectSet)
            return InputObject;
        DashboardJob[] all = await OnPipelineThread(DashboardJob.OfCurrentRunspace);
        List<DashboardJob> found = [];
        foreach (int id in Id)
        {
            if (all.FirstOrDefault(job => job.Id == id) is { } job)
                found.Add(job);
            else
                await WriteErrorAsync(new RunException(ExitCode.Configuration, "DashboardNotFound", Strings.Format("DashboardIdNotFound", id), id));
        }

        foreach (string name in ParameterSetName == IdSet ? [] : Name)
        {
            var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            DashboardJob[] matching = [.. all.Where(job => pattern.IsMatch(job.Name))];
            if (matching.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                await WriteErrorAsync(new RunException(ExitCode.Configuration, "DashboardNotFound", Strings.Format("DashboardNameNotFound", name) + NearestName.Hint(name, all.Select(job => job.Name)), name));
            found.AddRange(matching);
        }

        return [.. found.Distinct()];
    }
}

/// <summary>Lists the session's pages.</summary>
[Cmdlet(VerbsCommon.Get, "Dashboard", DefaultParameterSetName = NameSet)]
[OutputType(typeof(DashboardJob))]
public sealed class GetDashboardCommand : DashboardCmdlet
{
    /// <inheritdoc/>
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        foreach (DashboardJob job in await FindAsync())
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
    protected override async Task ProcessRecordAsync(CancellationToken stopping)
    {
        List<DashboardJob> ending = [];
        foreach (DashboardJob job in await FindAsync())
        {
            if (await ShouldProcessAsync(job.Name, Strings.Format("StopDashboardAction", job.Address)))
                ending.Add(job);
        }

        foreach (DashboardJob job in ending)
            job.StopJob();
        foreach (DashboardJob job in ending)
        {
            await job.Ended.WaitAsync(stopping);
            if (PassThru)
                await WriteObjectAsync(job);
        }
    }
}
