using RobustTrain.Configuration;
using RobustTrain.Host.Limits;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Platform.Notifications;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Distributed.Joining;
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
    private readonly RunNotifications _notifications = new(
        RunNotifications.TargetsOf(request.OnEvent), new NotificationSender(), sentence => SayWarning(sentence, stream), time);

    private string? _runPath;
    private Failure? _failure;
    private CostMeter? _meter;
    private volatile bool _isEnding;

    // Whether this process speaks for the run: alone, or as the first of its ranks.
    private bool _isFirst = true;

    /// <summary>Trains, as one of several ranks where a launcher has started them.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="Exception">What went wrong before there was a run; nothing was created.</exception>
    public int Run()
    {
        try
        {
            int exitCode = RunTraining();

            // A run that was finished before has told it then.
            if (_runPath is not null)
                _notifications.Tell((ExitCode)exitCode switch { ExitCode.Finished => "finished", ExitCode.Stopped => "stopped", _ => "failed" }, _runPath, (ExitCode)exitCode, _failure);
            return exitCode;
        }
        catch (Exception exception)
        {
            Failure failure = Failure.Of(exception);
            if (_isFirst)
                _notifications.Tell("failed", request.RunPath is null ? null : Path.GetFullPath(request.RunPath), failure.ExitCode, failure);
            throw;
        }
    }

    private int RunTraining()
    {
        if (RankEnvironment.Find() is not { } environment)
            return Run(group: null);
        using RankGroup group = RankGroup.Join(environment, RankTimeout());
        try
        {
            return Run(group);
        }
        catch (Exception exception)
        {
            // Rank 0 tells people, for all, where it is sure to.
            Failure failure = Failure.Of(exception);
            if (group.Fail((int)failure.ExitCode, exception is RankLostException ? null : failure.Message) && group.Rank != 0)
                return (int)failure.ExitCode;
            throw;
        }
    }

    private int Run(RankGroup? group)
    {
        Ranks ranks = group is null ? Ranks.Single : new Ranks(group.Communicator);
        _isFirst = ranks.IsFirst;
        using TrainingControl control = new();
        StopRequests requests = new(control.RequestStop, control.RequestCheckpoint);
        using StopSignals signals = new(requests);
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);

        TrainingConfig config = Checked(group, () => ReadConfiguration(ranks));
        string? runPath = NamedRunPath();
        if (IsFinished(ranks, runPath, config, out RunRecord? finished))
        {
            group?.Leave((int)ExitCode.Finished);
            return ranks.IsFirst ? SayFinishedAlready(finished!, runPath!) : (int)ExitCode.Finished;
        }

        RunVersions? versions = null;
        IReadOnlyList<SplitRecord>? splits = null;
        TrainingPlan plan = Checked(group, () =>
        {
            SystemLimits.OfThisProcess().Check(config);
            TelemetryJournal.CheckEndpoint();
            Ranks.Check(config.Trainer.Shards, ranks.Size);
            TrainingPlan made = TrainingPlan.Create(config, group is null ? RankPlace.Alone : new RankPlace(group.LocalRank, group.LocalSize));
            versions = RunVersions.Current(LibTorch.Version);
            splits = SplitRecords.Of(made.Data);
            return made;
        });
        if (group is not null)
            new RankCheck { Versions = versions, Configuration = ConfigurationWriter.Values(config), Data = splits }.Agree(group);
        bool lacksNccl = false;
        if (group is not null && plan.GpuIndex is { } gpu)
        {
            ICommunicator? devices = group.TryJoinDevices(gpu);
            lacksNccl = devices is null;
            ranks = new Ranks(group.Communicator, devices);
        }

        if (!ranks.IsFirst)
            return TrainBeside(plan, group!, ranks, control, requests);
        RunFolder? opened = null;
        ranks.FromFirst(new CollectivePurpose("run", 0), () =>
        {
            opened = runPath is null
                ? RunFolder.Create(RunPathChoice.For(config.Name, time), config, versions!, time, splits)
                : RunFolder.Open(runPath, config, request.Resume, versions!, time, splits);
        });
        using RunFolder run = opened!;
        _runPath = run.Path;
        return Train(plan, run, group, ranks, control, requests, lacksNccl ? ["There is no NCCL (libnccl.so.2) on the hosts: gradients go from GPU to GPU through the hosts' memory and MPI, which is slower."] : []);
    }

    // What is wrong at one rank all ranks are told, and end with it.
    private static T Checked<T>(RankGroup? group, Func<T> check)
        where T : class
    {
        T? value = null;
        RankCheck verdict = new();
        Exception? own = null;
        try
        {
            value = check();
        }
        catch (Exception exception) when (group is not null)
        {
            Failure failure = Failure.Of(exception);
            own = exception;
            verdict = new RankCheck { Error = failure.Message, ErrorId = failure.ErrorId, ExitCode = (int)failure.ExitCode };
        }

        if (group is not null)
            verdict.AgreeOnErrors(group, own);
        return value!;
    }

    // Without a configuration of its own a rank takes that of the run, which only the first one needs to see.
    private TrainingConfig ReadConfiguration(Ranks ranks)
    {
        if (request.ConfigPath is not null || request.RunPath is null || ranks.IsAlone)
            return request.ReadConfiguration();
        string text = ranks.FromFirst(new CollectivePurpose("configuration", 0), () => ConfigurationWriter.Write(request.ReadConfiguration()));
        return ConfigurationReader.Parse<TrainingConfig>(text, "the configuration of rank 0");
    }

    private bool IsFinished(Ranks ranks, string? runPath, TrainingConfig config, out RunRecord? record)
    {
        RunRecord? found = null;
        bool isFinished = ranks.FromFirst(new CollectivePurpose("run", 0), () =>
        {
            found = runPath is null ? null : RunFolder.Check(runPath, config, request.Resume);
            return found is { State: RunState.Finished } && config.Trainer.Epochs <= found.Epochs;
        });
        record = found;
        return isFinished;
    }

    // Where this rank watches over the others, before it knows whether the configuration is good.
    private TimeSpan RankTimeout()
    {
        try
        {
            return TimeSpan.FromSeconds(request.ReadConfiguration().Trainer.RankTimeoutSeconds);
        }
        catch (Exception exception) when (exception is RunException or ConfigurationException)
        {
            return TimeSpan.FromSeconds(new TrainerConfig().RankTimeoutSeconds);
        }
    }

    // At all ranks but the first there is no run's folder, and nobody to tell.
    private int TrainBeside(TrainingPlan plan, RankGroup group, Ranks ranks, TrainingControl control, StopRequests requests)
    {
        ranks.FromFirst(new CollectivePurpose("run", 0), () => true);
        SilentJournal journal = new();
        group.Report(reason => requests.Stop(reason), requests.Checkpoint, onNotice: _ => { });
        control.Stuck += message =>
        {
            group.Fail((int)ExitCode.Unexpected, message);
            ThisProcess.Exit((int)ExitCode.Unexpected);
        };
        TrainingOutcome outcome = new Trainer(plan, run: null, journal, time, ranks).Run(control);
        group.Leave((int)outcome.ExitCode);
        return (int)outcome.ExitCode;
    }

    private static void SayWarning(string sentence, EventStream? stream)
    {
        if (stream is null)
            CommandGuard.Say($"warning: {sentence}");
        else
            stream.Write(new RunWarning(sentence));
    }

    private string? NamedRunPath()
    {
        if (request.RunPath is null && request.Resume == ResumeMode.Require)
            throw new RunException(ExitCode.Configuration, "RunPathMissing", "--resume require needs --run-path, the folder of the run to go on with.");
        return request.RunPath is null ? null : WritablePath.Full(request.RunPath);
    }

    /// <summary>Says that a run is finished, and does nothing.</summary>
    internal int SayFinishedAlready(RunRecord record, string runPath)
    {
        stream?.Write(new RunFinished("finished", (int)ExitCode.Finished, null, null));
        Say($"The run '{record.Name}' at {runPath} is finished already; nothing was done.");
        return (int)ExitCode.Finished;
    }

    private int Train(TrainingPlan plan, RunFolder run, RankGroup? group, Ranks ranks, TrainingControl control, StopRequests requests, IReadOnlyList<string> warnings)
    {
        using RunJournal file = new(run, time);
        SystemMonitor? watched = null;
        RetryingJournal kept = new(file);
        _meter = new CostMeter(plan.Device.ToString(), () => watched?.Latest ?? new SystemStatus("", null, []), time);
        using TensorBoardJournal curves = new(run.TensorBoardPath, warning => kept.Write(new RunWarning(warning)));
        using IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(time, loss => ReportLoss(loss, kept)) : null;
        stream?.ReportLossTo(loss => ReportLoss(loss, kept));
        using SystemMonitor? system = WatchSystem(kept);
        watched = system;
        SystemSampling? sampling = system is null ? null : new SystemSampling(() => system.Latest, time);
        RunPosition position = new();
        using TelemetryJournal? telemetry = TelemetryJournal.Open(run, sentence => kept.Write(new RunWarning(sentence)));
        CostJournal journal = new(new CompositeJournal(time, [new EndGate(this), kept, stream, display, curves, position, telemetry], sampling), _meter, time);
        try
        {
            requests.ReportTo(journal);
            if (!run.IsLocked)
                journal.Write(new RunWarning($"The file system of '{run.Path}' has no locks: a second process is kept away only by what run.json says of this one (host, process) and by its heartbeat."));
            if (LibTorch.Warning is { } limit)
                journal.Write(new RunWarning(limit));
            if (WritablePath.OneDriveOf(run.Path) is { } synced)
                journal.Write(new RunWarning($"The run's folder '{run.Path}' lies in OneDrive ('{synced}'), which uploads each checkpoint and holds files open meanwhile: writing may wait for it. Elsewhere there is no such wait."));
            if (run.Changes.Count > 0)
                journal.Write(new RunWarning($"The run goes on with other settings: {string.Join(", ", run.Changes.Select(change => $"{change.Path} was {change.Left} and is {change.Right}"))}."));
            if (run.DataDifference is { } difference)
                journal.Write(new RunWarning($"The run goes on with other data than before: {difference}."));
            foreach (string warning in warnings)
                journal.Write(new RunWarning(warning));
            control.Stuck += message => EndStuck(message, kept, group);
            group?.Report(reason => requests.Stop(reason), requests.Checkpoint, notice => journal.Write(new RunWarning(notice)));
            TrainingOutcome outcome = new Trainer(plan, run, journal, time, ranks).Run(control);
            bool isFinished = outcome.ExitCode == ExitCode.Finished;

            // What could not be sent is told before the run's last word.
            telemetry?.Dispose();
            journal.Write(new RunFinished(isFinished ? "finished" : "stopped", (int)outcome.ExitCode, null, null));
            kept.Complete();
            group?.Leave((int)outcome.ExitCode);
            display?.Dispose();
            if (RunCost.Of(run.Record, run.Path) is { } cost)
                Say($"Used so far: {cost.Describe()}.");
            Say(isFinished ? $"Finished; the run is in {run.Path}." : $"{position.Stopped}; go on with: robusttrain train --run-path {run.Path}");
            return (int)outcome.ExitCode;
        }
        catch (RankLostException lost) when (lost.ExitCode == ExitCode.Stopped)
        {
            // What was being written is on disk by now.
            journal.Write(new RankLost(lost.Rank, lost.Host, lost.Purpose.Step, lost.Purpose.Name, lost.Message));
            journal.Write(new RunFinished("stopped", (int)ExitCode.Stopped, lost.Message, lost.ErrorId) { Target = lost.Host });
            kept.Complete();
            display?.Dispose();
            group!.Fail((int)ExitCode.Stopped, error: null);
            CommandGuard.Say(lost.Message);
            Say($"{position.Stopped}; go on with: robusttrain train --run-path {run.Path}");
            return (int)ExitCode.Stopped;
        }
        catch (Exception exception)
        {
            WaitForEnd();
            Failure failure = CrashReport.Keep(Failure.Of(exception), run.Path, time);
            display?.Dispose();

            // Where nothing could be begun, a run is left as it was found.
            bool isUntouched = run.IsResumed && !position.HasBegun && failure.ExitCode == ExitCode.Configuration;
            group?.Fail((int)failure.ExitCode, exception is RankLostException || ranks.HaveAgreedToFail ? null : failure.Message);
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

    private void EndStuck(string message, RetryingJournal journal, RankGroup? group)
    {
        _isEnding = true;
        group?.Fail((int)ExitCode.Unexpected, message);
        Failure stuck = Failure.Of(new RunException(ExitCode.Unexpected, "StepStuck", message));
        int exitCode = ReportFailure(stuck, journal);
        _notifications.Tell("stuck", _runPath, (ExitCode)exitCode, stuck);
        stream?.Dispose();

        // An orderly exit would take torch's own data from under the thread that still computes with it, which ends in a crash with another exit code.
        ThisProcess.Exit(exitCode);
    }

    // The thread that was stuck may come back while others are told of it; the run has had its last word.
    private void WaitForEnd()
    {
        if (_isEnding)
            Thread.Sleep(Timeout.Infinite);
    }

    private void WriteCost(CostMeasured cost, RetryingJournal journal)
    {
        journal.Write(cost);
        stream?.Write(cost);
    }

    // The disk that made the training fail may refuse its last words too; then they stand on standard error alone.
    private int ReportFailure(Failure failure, RetryingJournal journal, Action? takeBack = null)
    {
        try
        {
            if (takeBack is null && _meter is not null)
                WriteCost(_meter.Measure() with { Time = time.GetUtcNow() }, journal);
            if (takeBack is null)
                journal.Write(new RunFinished("failed", (int)failure.ExitCode, failure.Message, failure.ErrorId) { Target = failure.Target });
            journal.Complete();
            takeBack?.Invoke();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            failure = failure with { Message = $"{failure.Message}\nThe run's record could not be written either: {StorageError.Describe(exception)}" };
        }

        _failure = failure;
        return CommandGuard.Report(failure, stream);
    }

    /// <summary>For ranks that nobody listens to.</summary>
    private sealed class SilentJournal : IRunJournal
    {
        public void Write(RunEvent runEvent)
        {
        }
    }

    /// <summary>Lets no event of the training follow its last word.</summary>
    private sealed class EndGate(TrainJob job) : IRunJournal
    {
        public void Write(RunEvent runEvent) => job.WaitForEnd();
    }
}
