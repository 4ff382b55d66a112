using System.Management.Automation;
using RobustTrain.Cmdlets.Jobs;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Monitoring;
using RobustTrain.Platform;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>What finds monitors by name or id among the session's jobs.</summary>
public abstract class MonitorCmdlet : RobustTrainCmdlet
{
    /// <summary>Monitors by name; a name without wildcards that nothing has is an error.</summary>
    private protected async Task<List<MonitorJob>> FindAsync(string[] names)
    {
        MonitorJob[] all = await OnPipelineThread(MonitorJob.OfCurrentRunspace);
        var found = new List<MonitorJob>();
        foreach (string name in names)
        {
            var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            MonitorJob[] matching = [.. all.Where(job => pattern.IsMatch(job.Name))];
            if (matching.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
                await WriteErrorAsync(new MonitorException("MonitorNotFound", Strings.Format("MonitorNameNotFound", name) + NearestName.Hint(name, all.Select(job => job.Name)), name));

            found.AddRange(matching);
        }

        return [.. found.Distinct()];
    }

    /// <summary>Monitors by id.</summary>
    private protected async Task<List<MonitorJob>> FindAsync(int[] ids)
    {
        MonitorJob[] all = await OnPipelineThread(MonitorJob.OfCurrentRunspace);
        var found = new List<MonitorJob>();
        foreach (int id in ids)
        {
            if (all.FirstOrDefault(job => job.Id == id) is { } job)
                found.Add(job);
            else
                await WriteErrorAsync(new MonitorException("MonitorNotFound", Strings.Format("MonitorIdNotFound", id), id));
        }

        return found;
    }
}
