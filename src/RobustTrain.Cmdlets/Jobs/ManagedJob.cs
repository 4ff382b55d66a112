using System.Collections.Concurrent;
using System.ComponentModel;
using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>
/// A job that is one asynchronous task of this module. It is listed by Get-Job, ends with its runspace, and tells its state by
/// the facts: Running while the task runs, Stopping from the request on, then Completed, Stopped or Failed.
/// </summary>
/// <remarks>Stopping never blocks the caller: the task is told to, and the state and StopJobCompleted follow when it has ended.</remarks>
public abstract class ManagedJob : Job2, IRunspaceBound
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly RunspaceLifetime _lifetime;
    private readonly Lock _gate = new();
    private Task? _work;
    private bool _disposed;

    /// <summary>A job that has not started.</summary>
    /// <param name="typeName">What Get-Job shows as its kind.</param>
    /// <param name="command">What Get-Job shows as its command.</param>
    /// <param name="name">Its name; null lets PowerShell number it.</param>
    protected ManagedJob(string typeName, string command, string? name)
        : base(command, name)
    {
        PSJobTypeName = typeName;
        _lifetime = RunspaceLifetime.OfCurrentRunspace();
        Output.EnumeratorNeverBlocks = true;
        Error.EnumeratorNeverBlocks = true;
        Warning.EnumeratorNeverBlocks = true;
        Progress.EnumeratorNeverBlocks = true;
        Verbose.EnumeratorNeverBlocks = true;
        Debug.EnumeratorNeverBlocks = true;
        Information.EnumeratorNeverBlocks = true;
    }

    /// <inheritdoc/>
    public override bool HasMoreData =>
        Output.Count > 0 || Error.Count > 0 || Warning.Count > 0 || Progress.Count > 0
        || Verbose.Count > 0 || Debug.Count > 0 || Information.Count > 0;

    /// <inheritdoc/>
    public override string Location => Environment.MachineName;

    /// <inheritdoc/>
    public override string StatusMessage => "";

    /// <summary>Completes when the job's task has ended and its state says so.</summary>
    public Task Ended => _work ?? Task.CompletedTask;

    /// <summary>The job's work. Whatever it throws goes to the error stream and fails the job; an end after the token was cancelled is a stop.</summary>
    protected abstract Task RunAsync(CancellationToken stopping);

    /// <summary>Cuts the work off from the shell, or ends it, when the runspace goes; returns at once.</summary>
    protected virtual void Abandon() => RequestStop();

    /// <summary>The jobs of a kind of the runspace that the calling thread works for, ended ones too.</summary>
    internal static TJob[] OfCurrentRunspace<TJob>()
        where TJob : ManagedJob
    {
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        return [.. shell.AddCommand("Microsoft.PowerShell.Core\\Get-Job").Invoke().Select(job => job.BaseObject).OfType<TJob>()];
    }

    /// <summary>Makes the job known to Get-Job in the cmdlet's runspace and starts it.</summary>
    public void StartFor(PSCmdlet cmdlet)
    {
        var definition = new JobDefinition(typeof(ManagedJobSource), Command, Name);
        cmdlet.JobManager.NewJob(new JobInvocationInfo(definition, new Dictionary<string, object> { [ManagedJobSource.NewJobParameter] = this }));
        StartJob();
    }

    /// <inheritdoc/>
    public override void StartJob()
    {
        lock (_gate)
        {
            if (_work is not null)
                throw new InvalidJobStateException(JobStateInfo.State, "The job has been started already.");

            _lifetime.Add(this);
            SetJobState(JobState.Running);
            _work = Task.Run(RunToEndAsync);
        }
    }

    /// <inheritdoc/>
    public override void StartJobAsync()
    {
        StartJob();
        OnStartJobCompleted(new AsyncCompletedEventArgs(null, false, null));
    }

    /// <inheritdoc/>
    public override void StopJob() => RequestStop();

    /// <inheritdoc/>
    public override void StopJob(bool force, string reason) => RequestStop();

    /// <inheritdoc/>
    public override void StopJobAsync()
    {
        RequestStop();
        Ended.ContinueWith(_ => OnStopJobCompleted(new AsyncCompletedEventArgs(null, false, null)), TaskScheduler.Default);
    }

    /// <inheritdoc/>
    public override void StopJobAsync(bool force, string reason) => StopJobAsync();

    /// <inheritdoc/>
    public void End()
    {
        Abandon();
        RequestStop();
    }

    /// <inheritdoc/>
    public override void SuspendJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void SuspendJob(bool force, string reason) => throw CannotSuspend();

    /// <inheritdoc/>
    public override void SuspendJobAsync() => OnSuspendJobCompleted(new AsyncCompletedEventArgs(CannotSuspend(), false, null));

    /// <inheritdoc/>
    public override void SuspendJobAsync(bool force, string reason) => SuspendJobAsync();

    /// <inheritdoc/>
    public override void ResumeJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void ResumeJobAsync() => OnResumeJobCompleted(new AsyncCompletedEventArgs(CannotSuspend(), false, null));

    /// <inheritdoc/>
    public override void UnblockJob() => throw CannotSuspend();

    /// <inheritdoc/>
    public override void UnblockJobAsync() => OnUnblockJobCompleted(new AsyncCompletedEventArgs(CannotSuspend(), false, null));

    /// <summary>Ends the task at once if it still runs, then releases the streams.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End();
            lock (_gate)
                _disposed = true;
        }

        base.Dispose(disposing);
    }

    private void RequestStop()
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested || _work is null || IsFinished(JobStateInfo.State))
                return;

            SetJobState(JobState.Stopping);
        }

        // Outside of the lock, and on the pool: what is registered on the token may take its time.
        _ = _stopping.CancelAsync();
    }

    private async Task RunToEndAsync()
    {
        JobState end = JobState.Completed;
        try
        {
            await RunAsync(_stopping.Token).ConfigureAwait(false);
            if (_stopping.IsCancellationRequested)
                end = JobState.Stopped;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            end = JobState.Stopped;
        }
        catch (Exception failure)
        {
            end = JobState.Failed;
            if (!_disposed)
                Error.Add(ErrorRecords.From(failure, this));
        }

        _lifetime.Remove(this);
        lock (_gate)
        {
            if (!_disposed)
                SetJobState(end);
        }
    }

    private static bool IsFinished(JobState state) => state is JobState.Completed or JobState.Failed or JobState.Stopped;

    private PSNotSupportedException CannotSuspend() => new($"A {PSJobTypeName} can be stopped and started again, but not suspended.");
}

/// <summary>Answers Get-Job, Stop-Job and Remove-Job for the module's jobs; PowerShell makes one for each runspace.</summary>
public sealed class ManagedJobSource : JobSourceAdapter
{
    internal const string NewJobParameter = "NewJob";

    private readonly ConcurrentDictionary<Guid, ManagedJob> _jobs = new();

    /// <summary>An empty source.</summary>
    public ManagedJobSource() => Name = nameof(ManagedJobSource);

    /// <inheritdoc/>
    public override Job2 NewJob(JobInvocationInfo specification)
    {
        object? made = specification.Parameters.SelectMany(set => set).FirstOrDefault(parameter => parameter.Name == NewJobParameter)?.Value;
        if (made is not ManagedJob job)
            throw new PSNotSupportedException("The jobs of RobustTrain are made by its cmdlets.");

        _jobs[job.InstanceId] = job;
        return job;
    }

    /// <inheritdoc/>
    public override void RemoveJob(Job2 job)
    {
        if (_jobs.TryRemove(job.InstanceId, out ManagedJob? removed))
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
    public override Job2 GetJobByInstanceId(Guid instanceId, bool recurse) => _jobs.GetValueOrDefault(instanceId)!;

    /// <inheritdoc/>
    public override Job2 GetJobBySessionId(int id, bool recurse) => _jobs.Values.FirstOrDefault(job => job.Id == id)!;

    /// <inheritdoc/>
    /// <remarks>The filter's keys are properties of a job; each must match.</remarks>
    public override IList<Job2> GetJobsByFilter(Dictionary<string, object> filter, bool recurse) => Where(job => filter.All(wanted =>
        PSObject.AsPSObject(job).Properties[wanted.Key] is { } property && LanguagePrimitives.Equals(property.Value, wanted.Value, ignoreCase: true)));

    private List<Job2> Where(Func<ManagedJob, bool> wanted) => [.. _jobs.Values.Where(wanted)];
}
