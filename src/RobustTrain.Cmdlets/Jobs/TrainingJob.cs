using System.Management.Automation;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Jobs;

/// <summary>A training beside the shell: its epochs and, at the end, its run are the job's output.</summary>
public sealed class TrainingJob : ManagedJob
{
    private readonly TrainingSession _session;

    internal TrainingJob(TrainingRequest request, string command, string? name, bool isVerbose)
        : base(nameof(TrainingJob), command, name)
    {
        RequestedRunPath = request.RunPath;
        _session = new TrainingSession(request, new StreamView(this, isVerbose), RunspaceLifetime.OfCurrentRunspace(), Id);
    }

    /// <summary>The run's folder, once the trainer has said it.</summary>
    public string? RunPath => _session.RunPath ?? RequestedRunPath;

    /// <summary>The trainer's process, once it runs.</summary>
    public int? ProcessId => _session.ProcessId;

    /// <summary>The trainer's exit code, once it has ended.</summary>
    public int? ExitCode => _session.ExitCode;

    /// <inheritdoc/>
    public override string StatusMessage => RunPath is null ? Strings.Format("JobStarting") : RunPath;

    private string? RequestedRunPath { get; }

    /// <summary>Ends the trainer at once, without a checkpoint.</summary>
    public void Kill() => _session.Kill();

    /// <summary>The job in any of this process's runspaces whose trainer has a process id; null where there is none.</summary>
    internal static TrainingJob? OfProcess(int processId) => RunspaceLifetime.Everything.OfType<TrainingJob>().FirstOrDefault(job => job.ProcessId == processId);

    /// <inheritdoc/>
    protected override Task RunAsync(CancellationToken stopping) => _session.RunAsync(stopping);

    private sealed class StreamView(TrainingJob job, bool isVerbose) : ITrainingView
    {
        public Task WriteAsync(PSObject value)
        {
            job.Output.Add(value);
            return Task.CompletedTask;
        }

        public Task TellAsync(string message)
        {
            job.Information.Add(new InformationRecord(new HostInformationMessage { Message = message }, nameof(TrainingJob)) { Tags = { "PSHOST" } });
            return Task.CompletedTask;
        }

        public Task WarnAsync(string message)
        {
            job.Warning.Add(new WarningRecord(message));
            return Task.CompletedTask;
        }

        public Task DetailAsync(string message)
        {
            // Kept until it is received, so only for those who ask for it.
            if (isVerbose)
                job.Verbose.Add(new VerboseRecord(message));
            return Task.CompletedTask;
        }

        public Task ShowAsync(ProgressRecord progress)
        {
            // Only the latest is of use: a training of days would otherwise fill the memory of a shell that never looks.
            if (job.Progress.Count > 0)
                job.Progress.Clear();

            job.Progress.Add(progress);
            return Task.CompletedTask;
        }
    }
}
