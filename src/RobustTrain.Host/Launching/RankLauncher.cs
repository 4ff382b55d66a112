using System.Globalization;
using RobustTrain.Host.Jobs;
using RobustTrain.Host.Output;
using RobustTrain.Host.Progress;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Launching;

/// <summary>
/// A training on several ranks, from the command line to the exit code: starts them by mpiexec, watches over them, passes on what they say and what
/// they are asked, and starts them again where one is lost and that is wanted.
/// </summary>
/// <param name="request">What the command line asks of the training.</param>
/// <param name="ranks">What it asks of its ranks.</param>
/// <param name="stream">Events to whoever started the process; null where nobody reads them.</param>
/// <param name="time">The clock.</param>
internal sealed class RankLauncher(RunRequest request, RankRequest ranks, EventStream? stream, TimeProvider time)
{
    // As often in a row may the ranks be lost without a new checkpoint.
    private const int MostFutileRestarts = 3;

    // Between two looks for hosts that are missing, and how long such a look waits for one; a host that answered before the first launch answers sooner.
    private static readonly TimeSpan s_rejoinInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // Between two looks where no host answers.
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    // How long a run that is under way waits for a host that answers, and for its folder: a former rank 0 whose host nobody reaches keeps it
    // until it finds that it is alone, or until its host stands still no longer.
    private static readonly TimeSpan s_formerRanks = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private RankAttempt? _attempt;
    private string? _stopReason;
    private readonly RunPosition _position = new();
    private bool _hasProgressed;
    private bool _isRejoining;
    private volatile bool _isHostBack;
    private StopRequests? _requests;

    /// <summary>Trains.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="RunException">The ranks can't be started, or failed.</exception>
    public int Run()
    {
        StopRequests requests = new(Stop, Checkpoint);
        _requests = requests;
        using StopSignals signals = new(requests);
        if (request.HasLifeLine)
            LifeLine.Hold(Console.OpenStandardInput(), requests);
        TrainingConfig config = request.ReadConfiguration();
        MpiExec mpiexec = MpiExec.Check(ranks, config.Trainer.Shards, _stopping.Token);
        if (StopReason is { } early)
            return EndBeforeStart(early);
        string runPath = request.RunPath is { } named ? Path.GetFullPath(named) : RunPathChoice.For(config.Name, time).First(path => !Path.Exists(path));
        if (request.RunPath is not null && RunFolder.Check(runPath, config, request.Resume) is { State: RunState.Finished } finished && config.Trainer.Epochs <= finished.Epochs)
            return new TrainJob(request, stream, time).SayFinishedAlready(finished, runPath);
        IReadOnlyList<string> hosts = ranks.Hosts.Count == 0 ? [Environment.MachineName] : ranks.Hosts;
        bool isLocal = ranks.Hosts.Count == 0;

        using IProgressDisplay? display = stream is null ? ProgressDisplays.OnStandardOutput(time, CommandGuard.Say) : null;

        RankPlacement placement = RankPlacement.Of(ranks.Total, hosts);
        ResumeMode resume = request.Resume;
        string? notice = null;
        long? lost = null;
        for (int futile = 0; ;)
        {
            RankEnd end = RunOnce(mpiexec, placement, isLocal, config, Arguments(runPath, resume), notice, display);
            bool isStopped = StopReason is not null;
            bool isHeld = end.Finished is { ErrorId: "RunInUse" } && lost is { } then && time.GetElapsedTime(then) < s_formerRanks;
            if (isHeld && !isStopped)
                continue;
            lost = time.GetTimestamp();
            futile = _hasProgressed ? 0 : futile + 1;
            bool isOver = !(_isRejoining && end.Finished is { ExitCode: (int)ExitCode.Stopped }) && !(end.IsLost && ranks.Restart);
            if (isOver || isStopped || futile > MostFutileRestarts)
                return Finish(end, display, runPath);

            resume = RunFolder.IsRun(runPath) ? ResumeMode.Auto : request.Resume;
            if (Next(mpiexec, placement, hosts, isLocal, config, end, display) is not { } next)
                return Finish(end, display, runPath);
            (placement, notice) = next;
        }
    }

    private string? StopReason
    {
        get
        {
            lock (_gate)
                return _stopReason;
        }
    }

    private RankEnd RunOnce(MpiExec mpiexec, RankPlacement placement, bool isLocal, TrainingConfig config, IEnumerable<string> arguments, string? notice, IProgressDisplay? display)
    {
        using RankAttempt attempt = new(mpiexec, placement, isLocal, TimeSpan.FromSeconds(config.Trainer.RankTimeoutSeconds), happened => Take(happened, display));
        lock (_gate)
        {
            _attempt = attempt;
            _hasProgressed = false;
            _isRejoining = _isHostBack = false;
            if (_stopReason is not null)
                attempt.Stop(_stopReason);
        }

        string[] missing = ranks.Rejoin ? [.. ranks.Hosts.Except(placement.Hosts.Select(host => host.Host))] : [];
        using CancellationTokenSource ended = new();
        Thread looking = new(() => LookFor(mpiexec, missing, ended.Token)) { IsBackground = true, Name = "hosts that come back" };
        if (missing.Length > 0)
            looking.Start();
        try
        {
            return attempt.Run(arguments, notice);
        }
        finally
        {
            lock (_gate)
                _attempt = null;
            ended.Cancel();
            if (missing.Length > 0)
                looking.Join();
        }
    }

    private void LookFor(MpiExec mpiexec, string[] missing, CancellationToken ended)
    {
        while (!ended.WaitHandle.WaitOne(s_rejoinInterval))
        {
            if (!Array.Exists(mpiexec.CheckHosts(missing, s_patience, ended), failure => failure is null))
                continue;
            _isHostBack = true;
            return;
        }
    }

    private void Take(RunEvent happened, IProgressDisplay? display)
    {
        _position.Write(happened);
        if (happened is CheckpointSaved)
        {
            _hasProgressed = true;
            TakeHostIn();
        }

        Tell(happened, display);
    }

    private void Tell(RunEvent happened, IProgressDisplay? display)
    {
        stream?.Write(happened);
        display?.Write(happened);
    }

    // The ranks have just written a checkpoint, so that little is lost by starting them anew.
    private void TakeHostIn()
    {
        if (!_isHostBack)
            return;
        lock (_gate)
        {
            _isHostBack = false;
            _isRejoining = true;
            _attempt?.Stop("a host has come back");
        }
    }

    private void Stop()
    {
        lock (_gate)
        {
            _stopReason ??= _requests?.Reason ?? "the launcher was asked to stop";
            _attempt?.Stop(_stopReason);
        }

        _stopping.Cancel();
    }

    private void Checkpoint()
    {
        lock (_gate)
            _attempt?.Checkpoint();
    }

    private int EndBeforeStart(string reason)
    {
        stream?.Write(new RunFinished("stopped", (int)ExitCode.Stopped, null, null));
        Say($"Stopped before any rank was started ({reason}); nothing was done.");
        return (int)ExitCode.Stopped;
    }

    // The hosts that can be reached, with the greatest number of ranks that they have room for and the shards can be divided by; null where there is
    // none, or a stop is asked for.
    private (RankPlacement Placement, string Notice)? Next(
        MpiExec mpiexec, RankPlacement former, IReadOnlyList<string> hosts, bool isLocal, TrainingConfig config, RankEnd end, IProgressDisplay? display)
    {
        RunException?[] failures = isLocal
            ? [null]
            : new HostWait(stopping => mpiexec.CheckHosts(hosts, s_patience, stopping), s_formerRanks, s_pause, time)
                .Run(sentence => Tell(new RunWarning(sentence), display), _stopping.Token);
        if (StopReason is not null)
            return null;
        string[] left = [.. hosts.Where((_, index) => failures[index] is null)];
        if (left.Length == 0)
        {
            CommandGuard.Say(failures[0]!.Message);
            return null;
        }

        int number = RankNumbers.Below(config.Trainer.Shards, Math.Min(ranks.Total, left.Length * ranks.HostCapacity));
        RankPlacement next = RankPlacement.Of(number, left);
        string why = end.Loss?.Sentence(awaitedIn: null) ?? "A host has come back.";
        return (next, string.Create(CultureInfo.InvariantCulture, $"{why} The run goes on from its newest checkpoint with {Counted.Of(number, "rank")} on {string.Join(", ", next.Hosts.Select(host => host.Host))}, after {former.Size} before."));
    }

    private int Finish(RankEnd end, IProgressDisplay? display, string runPath)
    {
        display?.Dispose();
        switch (end)
        {
            case { Finished: { ExitCode: (int)ExitCode.Finished or (int)ExitCode.Stopped } finished }:
                stream?.Write(finished);
                if (end.Loss is { } loss)
                    CommandGuard.Say(loss.Sentence(awaitedIn: null));
                Say(finished.ExitCode == 0 ? $"Finished; the run is in {runPath}." : $"{_position.Stopped}; go on with: {Again(runPath)}");
                return finished.ExitCode;
            case { Finished: { } failed }:
                throw new RunException((ExitCode)failed.ExitCode, failed.ErrorId ?? "RankFailed", failed.Error ?? "Rank 0 has failed.", failed.Target);
            case { Loss: { ExitCode: { } code } broken }:
                throw new RunException((ExitCode)code, "RankFailed", broken.Sentence(awaitedIn: null), broken.Host);
            case { Loss: { } lost }:
                stream?.Write(new RunFinished("stopped", (int)ExitCode.Stopped, lost.Sentence(awaitedIn: null), "RankLost") { Target = lost.Host });
                CommandGuard.Say(lost.Sentence(awaitedIn: null));
                Say($"{_position.Stopped}; go on with: {Again(runPath)}");
                return (int)ExitCode.Stopped;
            default:
                throw new RunException(
                    ExitCode.Unexpected, "RanksNotStarted",
                    $"mpiexec ended before the ranks were there: {end.ErrorLines.FirstOrDefault(line => line.Trim().Length > 0)?.Trim() ?? "it said nothing"}");
        }
    }

    private string Again(string runPath) => $"robusttrain train --run-path {runPath} {string.Join(' ', RankArguments())}";

    private IEnumerable<string> RankArguments()
    {
        if (ranks.Ranks is { } number)
            yield return string.Create(CultureInfo.InvariantCulture, $"--ranks {number}");
        if (ranks.Hosts.Count > 0)
            yield return $"--hosts {string.Join(',', ranks.Hosts)}";
        if (ranks.RanksPerHost is { } each)
            yield return string.Create(CultureInfo.InvariantCulture, $"--ranks-per-host {each}");
    }

    private IEnumerable<string> Arguments(string runPath, ResumeMode resume)
    {
        yield return "train";
        if (request.ConfigPath is { } config)
            yield return Path.GetFullPath(config);
        foreach (string setting in request.Settings)
        {
            yield return "--set";
            yield return setting;
        }

        foreach (string argument in (string[])["--run-path", runPath, "--resume", resume.ToString().ToLowerInvariant(), "--events"])
            yield return argument;
    }

    private void Say(string sentence)
    {
        if (stream is not null)
            return;
        using DetachedText output = DetachedText.StandardOutput(onLoss: null);
        output.WriteLine(sentence);
    }
}
