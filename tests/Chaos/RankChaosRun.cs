using System.Diagnostics;
using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Chaos;

/// <summary>
/// Trains once in one process, untouched, and once on several hosts among faults of ranks, hosts and the launcher, and compares what is left. The launcher
/// itself goes on after each fault (<c>--restart --rejoin</c>); only where it was killed it is started again.
/// </summary>
/// <param name="options">What to train, on how many ranks, and how many faults.</param>
/// <param name="output">Takes a line for each fault, and the table in the end.</param>
internal sealed class RankChaosRun(ChaosOptions options, TextWriter output)
{
    // From here on the run may be over before a host is taken in again, so that nobody waits for it.
    private const double LastShare = 0.9;

    // How long a host is away where the run can't go on without it.
    private static readonly TimeSpan s_longestFault = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ChaosTrainings _trainings = new(options);
    private readonly RankHosts _hosts = new(Path.Combine(options.Folder, "hosts.d"), options.Ranks!.Value);
    private readonly Dictionary<FaultKind, int> _applied = [];
    private readonly List<string> _surprises = [];
    private readonly List<string> _away = [];
    private TrainerProcess? _trainer;
    private int _starts;
    private int _rejoined;
    private bool _isFinished;

    // Of the attempt that is at work: when its first step was done; and, of the last fault, when others heard of it, and when ranks began again.
    private volatile RunStarted? _attempt;
    private volatile StepFinished? _firstStep;
    private volatile RankLost? _lost;

    /// <summary>Runs all of it.</summary>
    public ChaosReport Run()
    {
        _trainings.WriteData();
        (long steps, TimeSpan alone) = _trainings.TrainUntouched();
        Say(string.Create(CultureInfo.InvariantCulture, $"untouched, on one rank: {steps} steps, exit code 0"));
        try
        {
            foreach (Fault fault in FaultSchedule.Create(options.Faults, options.Seed, steps, alone / steps, FaultSchedule.OfRanks))
                Apply(fault, steps);
            while (!_isFinished)
                WaitForEnd();
        }
        finally
        {
            _trainer?.Dispose();
        }

        Leftovers left = _trainings.FindLeftovers();
        return new ChaosReport(
            options.Faults, _applied, _surprises, _starts, alone, _clock.Elapsed - alone, RunComparison.Of(_trainings.UntouchedPath, _trainings.FaultyPath),
            left with { Processes = [.. left.Processes, .. GuestsLeft()], Files = [.. left.Files, .. Directory.EnumerateFileSystemEntries("/dev/shm")] })
        {
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

    private void Apply(Fault fault, long steps)
    {
        if (!WaitForStep(fault, steps))
            return;
        _applied[fault.Kind] = _applied.GetValueOrDefault(fault.Kind) + 1;
        List<(int Rank, int Process, string Host)> ranks = Ranks();
        (int rank, int process, string host) = ranks.Count == 0 ? (0, 0, _hosts.Names[0]) : ranks[(int)(fault.Share * ranks.Count)];
        string target = fault.Kind switch
        {
            FaultKind.KillRank or FaultKind.StopRank => string.Create(CultureInfo.InvariantCulture, $"rank {rank} on {host} "),
            FaultKind.KillLauncher => "",
            _ => string.Create(CultureInfo.InvariantCulture, $"{host}, with rank {rank}, "),
        };
        Say(string.Create(CultureInfo.InvariantCulture, $"step {_trainer!.LastStep + 1}, {ranks.Count} ranks: {target}{fault.Description}"));
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

    // False where the training finished first, so that the fault is left out, and missed in the table.
    private bool WaitForStep(Fault fault, long steps)
    {
        while (!_isFinished)
        {
            Ensure();
            if (_trainer!.LastStep >= fault.Step && _firstStep is not null && !_trainer.HasEnded)
            {
                // All hosts are to be there again: with --rejoin they are taken in. Ranks that have just been started are not what did the last step.
                List<(int Rank, int Process, string Host)> ranks = Ranks();
                if (_attempt is not { } attempt || !ranks.Exists(rank => rank.Process == attempt.ProcessId) || (ranks.Count < options.Ranks && _trainer.LastStep < steps * LastShare))
                {
                    CheckLimit();
                    Thread.Sleep(20 * s_look);
                    continue;
                }

                Thread.Sleep(fault.Delay);
                if (!_trainer.HasEnded)
                    return true;
            }

            if (_trainer.HasEnded)
                End(expected: null);
            CheckLimit();
            Thread.Sleep(s_look);
        }

        return false;
    }

    // Until ranks have begun again and done a step, or the run has ended.
    private bool WaitForGoingOn(RunStarted? before, TimeSpan limit)
    {
        for (long began = Stopwatch.GetTimestamp(); !_isFinished && Stopwatch.GetElapsedTime(began) < limit; Thread.Sleep(s_look))
        {
            Ensure();
            if (_attempt is { } now && now != before && _firstStep is not null)
                return true;
            if (_trainer!.HasEnded)
                End(expected: null);
            CheckLimit();
        }

        return false;
    }

    private void CheckLimit()
    {
        if (_clock.Elapsed > options.Limit)
            throw new TimeoutException($"The training did not end within {options.Limit}; it was at step {_trainer?.LastStep}.");
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

    private void Ensure()
    {
        if (_trainer is not null)
            return;
        (_attempt, _firstStep) = (null, null);
        string hosts = string.Join(',', _hosts.Names);
        _trainer = _trainings.Start(
            _trainings.FaultyPath, ["--hosts", hosts, "--restart", "--rejoin"],
            new Dictionary<string, string> { ["ROBUSTTRAIN_SSH"] = _hosts.Ssh, ["UCX_TLS"] = "tcp,self", ["FI_PROVIDER"] = "tcp" }, Take);
        _starts++;
    }

    private void KillLauncher()
    {
        _trainer!.Signal(Signals.Kill);
        End(expected: Signals.KilledCode);

        // The ranks end with a checkpoint; a launcher that came before would be told that the run is being worked on.
        for (long began = Stopwatch.GetTimestamp(); Ranks().Count > 0; Thread.Sleep(s_look))
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
                throw new TimeoutException($"Ranks did not end within {s_patience} of their launcher.");
        }
    }

    private void WaitForEnd()
    {
        Ensure();
        if (!_trainer!.WaitForEnd(options.Limit - _clock.Elapsed))
            throw new TimeoutException($"The training did not end within {options.Limit}; it was at step {_trainer.LastStep}.");
        End(expected: null);
    }

    private void End(int? expected)
    {
        if (!_trainer!.WaitForEnd(s_patience))
            throw new TimeoutException($"The training did not end within {s_patience}.");
        int code = _trainer.ExitCode;
        _isFinished = code == 0;

        // A launcher that has lost ranks again and again before a checkpoint, as on a machine that is too slow for the timeout, ends with 75: to go on it is started again.
        if (code is not (0 or (int)ExitCode.Stopped) && code != expected)
        {
            _surprises.Add($"exit code {code}: {_trainer.LastWords}");
            Say($"not foreseen: {_surprises[^1]}");
            if (_surprises.Count > 3)
                throw new InvalidOperationException("The training ends again and again for a reason that was not foreseen.");
        }

        _trainer.Dispose();
        _trainer = null;
    }

    private List<(int Rank, int Process, string Host)> Ranks() =>
        [.. _hosts.Names.Except(_away).SelectMany(host => _hosts.GuestsOn(host).Select(process => (Rank: Processes.RankOf(process), process, host))).Where(found => found.Rank is not null).Select(found => (found.Rank!.Value, found.process, found.host)).Order()];

    private void Say(string line) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{_clock.Elapsed.TotalSeconds,6:F1} s] {line}"));
}
