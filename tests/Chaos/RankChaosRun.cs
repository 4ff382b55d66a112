using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Chaos;

/// <summary>
/// A training on several hosts among faults of ranks, hosts and the launcher. The launcher itself goes on after each fault
/// (<c>--restart --rejoin</c>); only where it was killed it is started again.
/// </summary>
/// <param name="options">What to train, on how many ranks, and how many faults.</param>
/// <param name="output">Takes a line for each fault.</param>
internal sealed class RankChaosRun(ChaosOptions options, TextWriter output) : FaultyTraining(options, output, s_patience)
{
    // From here on the run may be over before a host is taken in again, so that nobody waits for it.
    private const double LastShare = 0.9;

    // How long a host is away where the run can't go on without it.
    private static readonly TimeSpan s_longestFault = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly RankHosts _hosts = new(Path.Combine(options.Folder, "hosts.d"), options.Ranks!.Value);
    private readonly List<string> _away = [];
    private int _rejoined;

    // Of the attempt that is at work: when its first step was done; and, of the last fault, when others heard of it, and when ranks began again.
    private volatile RunStarted? _attempt;
    private volatile StepFinished? _firstStep;
    private volatile RankLost? _lost;

    private protected override IReadOnlyList<FaultKind> Kinds => FaultSchedule.OfRanks;

    /// <inheritdoc/>
    public override ChaosReport Run()
    {
        ChaosReport found = base.Run();
        return found with
        {
            Leftovers = found.Leftovers with { Processes = [.. found.Leftovers.Processes, .. GuestsLeft()], Files = [.. found.Leftovers.Files, .. Directory.EnumerateFileSystemEntries("/dev/shm")] },
            HostsTakenInAgain = _rejoined,
        };
    }

    private IEnumerable<string> GuestsLeft()
    {
        // Connections end a moment after what was run over them.
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(10) && _hosts.Names.Any(host => _hosts.GuestsOn(host).Count > 0); Thread.Sleep(s_look))
        {
        }

        return _hosts.Names.SelectMany(host => _hosts.GuestsOn(host).Select(process => $"process {process} on {host}: {Processes.CommandOf(process)}"));
    }

    private protected override void Apply(Fault fault)
    {
        List<(int Rank, int Process, string Host)> ranks = Ranks();
        (int rank, int process, string host) = ranks.Count == 0 ? (0, 0, _hosts.Names[0]) : ranks[(int)(fault.Share * ranks.Count)];
        string target = fault.Kind switch
        {
            FaultKind.KillRank or FaultKind.StopRank => string.Create(CultureInfo.InvariantCulture, $"rank {rank} on {host} "),
            FaultKind.KillLauncher => "",
            _ => string.Create(CultureInfo.InvariantCulture, $"{host}, with rank {rank}, "),
        };
        Say(string.Create(CultureInfo.InvariantCulture, $"step {Trainer!.LastStep + 1}, {ranks.Count} ranks: {target}{fault.Description}"));
        DateTimeOffset struck = DateTimeOffset.UtcNow;
        RunStarted? before = _attempt;
        _lost = null;
        switch (fault.Kind)
        {
            case FaultKind.KillRank or FaultKind.StopRank:
                Signals.Send(process, fault.Kind == FaultKind.KillRank ? Signals.Kill : Signals.Stop);
                break;
            case FaultKind.KillHost:
                _hosts.TakePower(host);
                break;
            case FaultKind.CutHost:
                _hosts.PullCable(host);
                break;
            case FaultKind.StopHost:
                _hosts.Signal(host, Signals.Stop);
                break;
            case FaultKind.KillLauncher:
                KillLauncher();
                break;
            default:
                throw new InvalidOperationException($"{fault.Kind}");
        }

        _away.Clear();
        if (fault.Kind is FaultKind.KillHost or FaultKind.CutHost or FaultKind.StopHost)
            _away.Add(host);
        bool hasGoneOn = WaitForGoingOn(before, _away.Count > 0 ? s_longestFault : s_patience);
        if (hasGoneOn)
            SayParts(struck);
        if (fault.Kind == FaultKind.KillHost)
            _hosts.PutPowerOn(host);
        else if (fault.Kind == FaultKind.CutHost)
            _hosts.PutCable(host);
        else if (fault.Kind == FaultKind.StopHost)
            _hosts.Signal(host, Signals.Continue);
        _away.Clear();
        if (!hasGoneOn && WaitForGoingOn(before, s_patience))
            SayParts(struck);
    }

    // From the fault to the first new step, by the events' times.
    private void SayParts(DateTimeOffset struck)
    {
        DateTimeOffset started = _attempt!.Time, stepped = _firstStep!.Time;
        string noticed = _lost is { } lost ? string.Create(CultureInfo.InvariantCulture, $"noticed after {(lost.Time - struck).TotalSeconds:F1} s, ") : "";
        Say(string.Create(CultureInfo.InvariantCulture, $"  {noticed}ranks started after {(started - struck).TotalSeconds:F1} s, first step after {(stepped - struck).TotalSeconds:F1} s"));
    }

    private protected override bool WaitForStep(Fault fault, long steps)
    {
        while (!IsFinished)
        {
            Ensure();
            if (Trainer!.LastStep >= fault.Step && _firstStep is not null && !Trainer.HasEnded)
            {
                // All hosts are to be there again: with --rejoin they are taken in. Ranks that have just been started are not what did the last step.
                List<(int Rank, int Process, string Host)> ranks = Ranks();
                if (_attempt is not { } attempt || !ranks.Exists(rank => rank.Process == attempt.ProcessId) || (ranks.Count < _hosts.Names.Count && Trainer.LastStep < steps * LastShare))
                {
                    CheckLimit();
                    Thread.Sleep(20 * s_look);
                    continue;
                }

                Thread.Sleep(fault.Delay);
                if (!Trainer.HasEnded)
                    return true;
            }

            if (Trainer.HasEnded)
                End(expected: null);
            CheckLimit();
            Thread.Sleep(s_look);
        }

        return false;
    }

    // Until ranks have begun again and done a step, or the run has ended.
    private bool WaitForGoingOn(RunStarted? before, TimeSpan limit)
    {
        for (long began = Stopwatch.GetTimestamp(); !IsFinished && Stopwatch.GetElapsedTime(began) < limit; Thread.Sleep(s_look))
        {
            Ensure();
            if (_attempt is { } now && now != before && _firstStep is not null)
                return true;
            if (Trainer!.HasEnded)
                End(expected: null);
            CheckLimit();
        }

        return false;
    }

    private void Take(RunEvent happened)
    {
        switch (happened)
        {
            case RunStarted started:
                (_firstStep, _attempt) = (null, started);
                break;
            case StepFinished step:
                _firstStep ??= step;
                break;
            case RankLost lost:
                _lost = lost;
                break;
            case RunWarning warning when warning.Message.StartsWith("A host has come back.", StringComparison.Ordinal):
                _rejoined++;
                Say($"  {warning.Message}");
                break;
        }
    }

    private protected override TrainerProcess Start()
    {
        (_attempt, _firstStep) = (null, null);
        return Trainings.Start(
            Trainings.FaultyPath, ["--hosts", string.Join(',', _hosts.Names), "--restart", "--rejoin"],
            new Dictionary<string, string> { ["ROBUSTTRAIN_SSH"] = _hosts.Ssh, ["UCX_TLS"] = "tcp,self", ["FI_PROVIDER"] = "tcp" }, Take);
    }

    // A launcher that has lost ranks again and again before a checkpoint, as on a machine that is too slow for the timeout: to go on it is started again.
    private protected override bool IsForeseen(int code) => code == (int)ExitCode.Stopped;

    private void KillLauncher()
    {
        Kill();

        // The ranks end with a checkpoint; a launcher that came before would be told that the run is being worked on.
        for (long began = Stopwatch.GetTimestamp(); Ranks().Count > 0; Thread.Sleep(s_look))
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw new TimeoutException($"Ranks did not end within {s_patience} of their launcher.");
        }
    }

    private List<(int Rank, int Process, string Host)> Ranks() =>
        [.. _hosts.Names.Except(_away).SelectMany(host => _hosts.GuestsOn(host).Select(process => (Rank: Processes.RankOf(process), process, host))).Where(found => found.Rank is not null).Select(found => (found.Rank!.Value, found.process, found.host)).Order()];
}
