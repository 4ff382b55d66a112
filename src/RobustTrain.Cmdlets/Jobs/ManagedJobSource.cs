using System.Collections.Concurrent;
using System.Management.Automation;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>Answers Get-Job, Stop-Job and Remove-Job for the module's jobs; PowerShell makes one for each runspace.</summary>
public sealed class ManagedJobSource : JobSourceAdapter
{
    internal const string NewJobParameter = "NewJob";

    private readonly ConcurrentDictionary<Guid, ManagedJob> jobs = new();

    /// <summary>An empty source.</summary>
    public ManagedJobSource() => Name = nameof(ManagedJobSource);

    /// <inheritdoc/>
    public override Job2 NewJob(JobInvocationInfo specification)
    {
        object? made = specification.Parameters.SelectMany(set => set).FirstOrDefault(parameter => parameter.Name == NewJobParameter)?.Value;
        if (made is not ManagedJob job)
            throw new PSNotSupportedException("The jobs of RobustTrain are made by its cmdlets.");

        jobs[job.InstanceId] = job;
        return job;
    }

    /// <inheritdoc/>
    public override void RemoveJob(Job2 job)
    {
        if (jobs.TryRemove(job.InstanceId, out ManagedJob? removed))
            removed.Dispose();
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobs() => Where(_ => true);

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByName(string name, bool recurse)
    {
        var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
        return Where(job => pattern.IsMatch(job.Name));
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByCommand(string command, bool recurse)
    {
        var pattern = new WildcardPattern(command, WildcardOptions.IgnoreCase);
        return Where(job => pattern.IsMatch(job.Command));
    }

    /// <inheritdoc/>
    public override IList<Job2> GetJobsByState(JobState state, bool recurse) => Where(job => job.JobStateInfo.State == state);

    /// <inheritdoc/>
    public override Job2 GetJobByInstanceId(Guid instanceId, bool recurse) => jobs.GetValueOrDefault(instanceId)!;

    /// <inheritdoc/>
    public override Job2 GetJobBySessionId(int id, bool recurse) => jobs.Values.FirstOrDefault(job => job.Id == id)!;

    /// <inheritdoc/>
    /// <remarks>The filter's keys are properties of a job; each must match.</remarks>
    public override IList<Job2> GetJobsByFilter(Dictionary<string, object> filter, bool recurse) => Where(job => filter.All(wanted =>
        PSObject.AsPSObject(job).Properties[wanted.Key] is { } property && LanguagePrimitives.Equals(property.Value, wanted.Value, ignoreCase: true)));

    private List<Job2> Where(Func<ManagedJob, bool> wanted) => [.. jobs.Values.Where(wanted)];
}
