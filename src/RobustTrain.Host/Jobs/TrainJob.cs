using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.TensorBoard;

namespace RobustTrain.Host.Jobs;

/// <summary>One training from the command line to the exit code: everything is checked first, then the run is opened, then it trains.</summary>
/// <param name="request">What the command line asks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
/// <param name="time">The clock.</param>
internal sealed class TrainJob(RunRequest request, EventStream? stream, TimeProvider time)
{
    /// <summary>Trains.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="Exception">What went wrong before there was a run; nothing was created.</exception>
    public int Run()
    {
        TrainingConfig config = request.ReadConfiguration();
        string? runPath = NamedRunPath();
        if (runPath is not null && RunFolder.Check(runPath, config, request.Resume) is { State: RunState.Finished } finished && config.Trainer.Epochs <= finished.Epochs)
            return SayFinishedAlready(finished, runPath);

        SystemLimits.OfThisProcess().Check(config);
        using TrainingControl control = new();
        StopRequests requests = new(control.RequestStop, control.RequestCheckpoint);
        using StopSignals signals = new(requests);
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);

        TrainingPlan plan = TrainingPlan.Create(config);
        RunVersions versions = RunVersions.Current(LibTorch.Version);
        IReadOnlyList<SplitRecord>? splits = SplitRecords.Of(plan.Data);
        using RunFolder run = runPath is null
            ? RunFolder.Create(RunPathChoice.For(config.Name, time), config, versions, time, splits)
            : RunFolder.Open(runPath, config, request.Resume, versions, time, splits);
        return Train(plan, run, control, requests);
    }

    private string? NamedRunPath()
    {
        if (request.RunPath is null && request.Resume == ResumeMode.Require)
            throw new RunException(ExitCode.Configuration, "RunPathMissing", "--resume require needs --run-path, the folder of the run to go on with.");
        return request.RunPath is null ? null : WritablePath.Full(request.RunPath);
    }

    private int SayFinishedAlready(RunRecord record, string runPath)
    {
        stream?.Write(new RunFinished("finished", (int)ExitCode.Finished, null, null));
        Say($"The run '{record.Name}' at {runPath} is finished already; nothing was done.");
        return (int)ExitCode.Finished;
    }

    private int Train(TrainingPlan plan, RunFolder run, TrainingControl control, StopRequests requests)
    {
        using RunJournal file = new(run, time);
        RetryingJournal kept = new(file);
        using TensorBoardJournal curves = new(run.TensorBoardPath, warning => kept.Write(new RunWarning(warning)));
        using IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(time, loss => ReportLoss(loss, kept)) : null;
        stream?.ReportLossTo(loss => ReportLoss(loss, kept));
        using SystemMonitor? system = WatchSystem(kept);
        SystemSampling? sampling = system is null ? null : new SystemSampling(() => system.Latest, time);
        LastCheckpoint last = new();
        CompositeJournal journal = new(time, [kept, stream, display, curves, last], sampling);
        try
        {
            requests.ReportTo(journal);
            if (!run.IsLocked)
                journal.Write(new RunWarning($"The file system of '{run.Path}' has no locks: a second process is kept away only by what run.json says of this one (host, process) and by its heartbeat."));
            if (WritablePath.OneDriveOf(run.Path) is { } synced)
                journal.Write(new RunWarning($"The run's folder '{run.Path}' lies in OneDrive ('{synced}'), which uploads each checkpoint and holds files open meanwhile: writing may wait for it. Elsewhere there is no such wait."));
            if (run.Changes.Count > 0)
                journal.Write(new RunWarning($"The run goes on with other settings: {string.Join(", ", run.Changes.Select(change => $"{change.Path} was {change.Left} and is {change.Right}"))}."));
            if (run.DataDifference is { } difference)
                journal.Write(new RunWarning($"The run goes on with other data than before: {difference}."));
            control.Stuck += message => EndStuck(message, kept);
            TrainingOutcome outcome = new Trainer(plan, run, journal, time).Run(control);
            bool isFinished = outcome.ExitCode == ExitCode.Finished;
            journal.Write(new RunFinished(isFinished ? "finished" : "stopped", (int)outcome.ExitCode, null, null));
            kept.Complete();
            display?.Dispose();
            Say(isFinished ? $"Finished; the run is in {run.Path}." : $"Stopped with {last.Description}; go on with: robusttrain train --run-path {run.Path}");
            return (int)outcome.ExitCode;
        }
        catch (Exception exception)
        {
            Failure failure = CrashReport.Keep(Failure.Of(exception), run.Path, time);
            display?.Dispose();

            // Where nothing could be begun, a run is left as it was found.
            bool isUntouched = run.IsResumed && !last.HasBegun && failure.ExitCode == ExitCode.Configuration;
            return ReportFailure(failure, kept, isUntouched ? run.TakeBack : null);
        }
        finally
        {
            stream?.ReportLossTo(null);
        }
    }

    // Last words for people; they change nothing, whether they can be read or not.
    private void Say(string sentence)
    {
        if (stream is not null)
            return;
        using DetachedText output = DetachedText.StandardOutput(onLoss: null);
        output.WriteLine(sentence);
    }

    private static void ReportLoss(string loss, IRunJournal journal)
    {
        journal.Write(new RunWarning(loss));
        CommandGuard.Say(loss);
    }

    // Figures of the host are a help; a system that has none trains all the same.
    private static SystemMonitor? WatchSystem(IRunJournal journal)
    {
        try
        {
            SystemMonitor system = SystemMonitor.Local(options: new MonitorOptions { IncludeThroughput = false });
            system.Start();
            return system;
        }
        catch (MonitorException failure)
        {
            journal.Write(new RunWarning($"The host is not watched: {failure.Message}"));
            return null;
        }
    }

    private void EndStuck(string message, RetryingJournal journal)
    {
        int exitCode = ReportFailure(Failure.Of(new RunException(ExitCode.Unexpected, "StepStuck", message)), journal);
        stream?.Dispose();

        // An orderly exit would take torch's own data from under the thread that still computes with it, which ends in a crash with another exit code.
        ThisProcess.Exit(exitCode);
    }

    // The disk that made the training fail may refuse its last words too; then they stand on standard error alone.
    private int ReportFailure(Failure failure, RetryingJournal journal, Action? takeBack = null)
    {
        try
        {
            if (takeBack is null)
                journal.Write(new RunFinished("failed", (int)failure.ExitCode, failure.Message, failure.ErrorId) { Target = failure.Target });
            journal.Complete();
            takeBack?.Invoke();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failure = failure with { Message = $"{failure.Message}\nThe run's record could not be written either: {StorageError.Describe(exception)}" };
        }

        return CommandGuard.Report(failure, stream);
    }

    /// <summary>Remembers whether the training has begun, and the checkpoint that was written last.</summary>
    private sealed class LastCheckpoint : IRunJournal
    {
        private volatile string? _path;

        public string Description => _path is null ? "the checkpoint that it began with" : $"the checkpoint {_path}";

        public bool HasBegun { get; private set; }

        public void Write(RunEvent runEvent)
        {
            HasBegun |= runEvent is RunStarted;
            if (runEvent is CheckpointSaved saved)
                _path = saved.Path;
        }
    }
}
