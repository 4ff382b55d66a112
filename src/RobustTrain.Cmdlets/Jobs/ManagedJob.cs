using System.ComponentModel;
using System.Management.Automation;
using RobustTrain.Cmdlets.Errors;
using RobustTrain.Cmdlets.Lifetime;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>
/// A job that is one asynchronous task of this module. It is listed by Get-Job, ends with its runspace, and tells its state by
/// the facts: Running while the task runs, Stopping from the request on, then Completed, Stopped or Failed.
/// </summary>
/// <remarks>Stopping never blocks the caller: the task is told to, and the state and StopJobCompleted follow when it has ended.</remarks>
public abstract class ManagedJob : Job2, IRunspaceBound
{
    private readonly CancellationTokenSource stopping = new();
    private readonly RunspaceLifetime lifetime;
    private readonly Lock gate = new();
    private Task? work;
    private bool disposed;

    /// <summary>A job that has not started.</summary>
    /// <param name="typeName">What Get-Job shows as its kind.</param>
    /// <param name="command">What Get-Job shows as its command.</param>
    /// <param name="name">Its name; null lets PowerShell number it.</param>
    protected ManagedJob(string typeName, string command, string? name)
        : base(command, name)
    {
        PSJobTypeName = typeName;
        lifetime = RunspaceLifetime.OfCurrentRunspace();
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
    public Task Ended => work ?? Task.CompletedTask;

    /// <summary>The job's work. Whatever it throws goes to the error stream and fails the job; an end after the token was cancelled is a stop.</summary>
    protected abstract Task RunAsync(CancellationToken stopping);

    /// <summary>Cuts the work off from the shell, or ends it, when the runspace goes; returns at once.</summary>
    protected virtual void Abandon() => RequestStop();

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
        lock (gate)
        {
            if (work is not null)
                throw new InvalidJobStateException(JobStateInfo.State, "The job has been started already.");

            lifetime.Add(this);
            SetJobState(JobState.Running);
            work = Task.Run(RunToEndAsync);
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
            lock (gate)
                disposed = true;
        }

        base.Dispose(disposing);
    }

    private void RequestStop()
    {
        lock (gate)
        {
            if (stopping.IsCancellationRequested || work is null || IsFinished(JobStateInfo.State))
                return;

            SetJobState(JobState.Stopping);
        }

        // Outside of the lock, and on the pool: what is registered on the token may take its time.
        _ = stopping.CancelAsync();
    }

    private async Task RunToEndAsync()
    {
        JobState end = JobState.Completed;
        try
        {
            await RunAsync(stopping.Token).ConfigureAwait(false);
            if (stopping.IsCancellationRequested)
                end = JobState.Stopped;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            end = JobState.Stopped;
        }
        catch (Exception failure)
        {
            end = JobState.Failed;
            if (!disposed)
                Error.Add(ErrorRecords.From(failure, this));
        }

        lifetime.Remove(this);
        lock (gate)
        {
            if (!disposed)
                SetJobState(end);
        }
    }

    private static bool IsFinished(JobState state) => state is JobState.Completed or JobState.Failed or JobState.Stopped;

    private PSNotSupportedException CannotSuspend() => new($"A {PSJobTypeName} can be stopped and started again, but not suspended.");
}
