using System.Globalization;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet;

/// <summary>What follows from a fleet's state and one look at its hosts and runs. It asks nobody and changes nothing.</summary>
/// <param name="Settled">What was found out, to be recorded before anything else.</param>
/// <param name="Ends">Starts that are to end.</param>
/// <param name="Starts">Runs that are to be started.</param>
/// <param name="Status">How everything stands.</param>
/// <param name="IsDone">Whether nothing is left to do.</param>
public sealed record FleetDecision(IReadOnlyList<FleetEvent> Settled, IReadOnlyList<EndOrder> Ends, IReadOnlyList<PlacedStart> Starts, FleetStatus Status, bool IsDone)
{
    /// <summary>Decides.</summary>
    public static FleetDecision Of(FleetState state, FleetObservation seen, FleetOptions options) => new Deciding(state, seen, options).Decide();

    private sealed class Deciding(FleetState state, FleetObservation seen, FleetOptions options)
    {
        private static readonly RunObservation s_nothing = new();

        private readonly List<FleetEvent> _settled = [];
        private readonly List<EndOrder> _ends = [];
        private readonly List<PlacedStart> _starts = [];
        private readonly List<MemberStatus> _members = [];
        private readonly HashSet<string> _startedOn = new(StringComparer.OrdinalIgnoreCase);

        public FleetDecision Decide()
        {
            foreach (FleetMember member in state.Members)
            {
                RunObservation run = seen.Runs.GetValueOrDefault(member.Name) ?? s_nothing;
                (MemberState how, string why) = member.Start is { } start ? OfStart(member, start, run) : OfRest(member, run);
                _members.Add(new MemberStatus(member.Name, how, why)
                {
                    Config = member.Config,
                    Host = how == MemberState.Finished ? null : member.Start?.Host,
                    GpuIndex = how == MemberState.Finished ? null : member.Start?.GpuIndex,
                    EpochsDone = run.EpochsDone,
                    Epochs = run.Epochs,
                    Failures = member.Failures,
                });
            }

            bool isDone = _settled.Count == 0 && _ends.Count == 0 && _starts.Count == 0
                && (state.Stop is { Runs: false } || state.Members.All(member => member.Start is null))
                && (state.Stop is not null || _members.All(member => member.State is MemberState.Finished or MemberState.Failed or MemberState.Outdated));
            return new FleetDecision(_settled, _ends, _starts, new FleetStatus(seen.Now, _members, [.. state.HostsInUse.Select(StatusOf)]), isDone);
        }

        // A start whose fate is not settled: as long as it may live, the run is nobody else's.
        private (MemberState State, string Reason) OfStart(FleetMember member, FleetStart start, RunObservation run)
        {
            HostObservation? host = seen.Hosts.GetValueOrDefault(start.Host);
            StartSighting? sighting = host?.Starts.GetValueOrDefault(start.Id);
            switch (sighting?.State)
            {
                case SightingState.Alive or SightingState.Waiting:
                    if (start.Handle is null && sighting.Handle is { } handle)
                        _settled.Add(new StartAnswered(start.Id, handle));
                    return OfLiving(member, start, run, isWaiting: sighting.State == SightingState.Waiting);
                case SightingState.Never:
                    return Settle(start, run, new StartEnded(start.Id, StartOutcome.NeverBegan, null, "nothing was started", run.EpochsDone));
                case SightingState.Gone:
                    return Settle(start, run, EndOf(start, run, sighting.Word));
            }

            if (host is null || host.SilentFor == TimeSpan.Zero)
                return (MemberState.Running, $"is being started on {start.Host}");
            if (run.IsFinished)
                return Settle(start, run, new StartEnded(start.Id, StartOutcome.Finished, 0, null, run.EpochsDone));
            string silence = $"{host.Problem ?? $"{start.Host} does not answer"} (for {Text(host.SilentFor)})";
            if (host.IsScheduler || host.SilentFor < options.HostLostAfter || run.SinceBeat < options.HostLostAfter)
                return (MemberState.Running, $"{silence}; the run is left alone");
            return Settle(start, run, new StartEnded(start.Id, StartOutcome.HostLost, null, silence, run.EpochsDone));
        }

        private (MemberState State, string Reason) OfLiving(FleetMember member, FleetStart start, RunObservation run, bool isWaiting)
        {
            EndReason? reason = start.End?.Reason
                ?? (state.Stop is { Runs: true } ? EndReason.Stopped
                : member.IsRemoved ? EndReason.Removed
                : !state.Hosts.Contains(start.Host, StringComparer.OrdinalIgnoreCase) ? EndReason.HostRemoved
                : !isWaiting && run.SinceProgress > options.StuckAfter ? EndReason.Stuck
                : null);
            if (reason is { } why)
            {
                // Asked once; killed when its grace is over.
                bool isOverdue = start.End is { } asked && seen.Now - asked.Time >= options.StopGrace;
                if (start.End is null || isOverdue)
                    _ends.Add(new EndOrder(start, why, isOverdue || isWaiting));
            }

            string place = start.GpuIndex is { } gpu ? string.Create(CultureInfo.InvariantCulture, $"{start.Host}, GPU {gpu}") : start.Host;
            return reason switch
            {
                EndReason.Stuck => (MemberState.Stuck, $"on {place}: no step for {Text(run.SinceProgress)}; it is being stopped"),
                { } other => (MemberState.Running, $"on {place}: it is being stopped, since {Text(other)}"),
                null when run.Outdated is { } outdated => (MemberState.Outdated, $"on {place}, goes on as it was begun: {outdated}"),
                null when isWaiting => (MemberState.Queued, $"waits in {place}'s queue"),
                null => (MemberState.Running, $"on {place}"),
            };
        }

        private static StartEnded EndOf(FleetStart start, RunObservation run, string? word)
        {
            StartEnded End(StartOutcome outcome, int? code, string? error) => new(start.Id, outcome, code, error, run.EpochsDone);
            if (run.IsFinished)
                return End(StartOutcome.Finished, 0, null);
            if (run.End is { ErrorId: "RunInUse" } inUse)
                return End(StartOutcome.RunInUse, inUse.ExitCode, inUse.Error);

            // Its own output says it before there is a run too; a full disk may have taken it, then the record says it.
            (int? code, string? error) = run.End is { } said ? (said.ExitCode, said.Error)
                : run is { IsOfStart: true, State: not RunState.Running } ? (run.ExitCode, run.Error)
                : (null, null);
            return code switch
            {
                null => End(StartOutcome.Died, null, word is null ? "its process went without a word" : $"its job ended: {word}"),
                (int)ExitCode.Stopped => End(StartOutcome.Stopped, code, null),

                // A run that is finished already ends with 0 as well.
                (int)ExitCode.Finished => End(StartOutcome.Finished, code, null),
                _ => End(StartOutcome.Failed, code, error ?? $"it ended with exit code {code}"),
            };
        }

        private (MemberState State, string Reason) Settle(FleetStart start, RunObservation run, StartEnded ended)
        {
            _settled.Add(ended);
            string reason = ended.Error is { } error ? $"ended on {start.Host}: {error}" : $"ended on {start.Host}";
            return run.IsFinished ? (MemberState.Finished, Scored(run)) : (MemberState.Queued, reason);
        }

        // Nothing of ours lives; what the folder says decides.
        private (MemberState State, string Reason) OfRest(FleetMember member, RunObservation run)
        {
            if (run.Outdated is { } outdated)
                return (MemberState.Outdated, outdated);
            if (run.IsFinished)
                return (MemberState.Finished, Scored(run));
            if (run.State == RunState.Running && run.SinceBeat < options.HostLostAfter && run.Process is { } other && other != member.LastProcess && other.IsAlive() != false)
                return (MemberState.Running, $"process {other.ProcessId} on {other.Host}, which this fleet did not start");
            if (run.Problem is { } problem)
                return (MemberState.Failed, problem);
            string last = member.LastEnd is { Error: { } error } ended ? $"{error}{(ended.ExitCode is > 0 and { } code ? $" (exit code {code})" : "")}" : "";
            if (member.IsGivenUp)
                return (MemberState.Failed, last);
            if (member.Failures > options.MaxRestarts)
                return (MemberState.Failed, $"{last}; {Counted.Of(member.Failures, "failure")} in a row");
            if (state.Stop is not null)
                return (MemberState.Queued, "the fleet is being stopped");
            if (BackoffOf(member) is { } wait && wait > TimeSpan.Zero)
                return (MemberState.Queued, string.Create(CultureInfo.InvariantCulture, $"starts again in {Text(wait)}, failure {member.Failures} of {options.MaxRestarts + 1}: {last}"));
            return Place(member, run, last);
        }

        // A clock that was set back lengthens no wait beyond its own length.
        private TimeSpan? BackoffOf(FleetMember member)
        {
            if (member.LastEnd is not { } ended)
                return null;
            TimeSpan backoff = ended.Outcome is StartOutcome.Finished or StartOutcome.HostLost or StartOutcome.NeverBegan && member.Failures == 0
                ? options.StartInterval
                : TimeSpan.FromTicks((long)Math.Min(options.BackoffLimit.Ticks, options.Backoff.Ticks * Math.Pow(2, Math.Max(0, member.Failures - 1))));
            TimeSpan left = ended.Time + backoff - seen.Now;
            return left < backoff ? left : backoff;
        }

        private (MemberState State, string Reason) Place(FleetMember member, RunObservation run, string last)
        {
            List<string> refusals = [];
            foreach (string host in state.Hosts)
            {
                GpuStatus? gpu = null;
                if (WhyNot(host, run.NeedsGpu, ref gpu) is { } refusal)
                {
                    refusals.Add($"{host}: {refusal}");
                    continue;
                }

                _starts.Add(new PlacedStart(member, host, gpu?.Uuid ?? gpu?.Index?.ToString(CultureInfo.InvariantCulture), gpu?.Index));
                _startedOn.Add(host);
                return (MemberState.Running, $"is being started on {host}");
            }

            string where = refusals.Count == 0 ? "the fleet has no host" : string.Join("; ", refusals);
            return (MemberState.Queued, last.Length > 0 ? $"{where} (before: {last})" : where);
        }

        // Why a host takes nothing now; null where it does, on the GPU given where one is needed.
        private string? WhyNot(string name, bool needsGpu, ref GpuStatus? gpu)
        {
            if (seen.Hosts.GetValueOrDefault(name) is not { } host)
                return "has not been asked yet";
            if (host.SilentFor > TimeSpan.Zero || host.Problem is not null)
                return host.Problem ?? "does not answer";
            if (host.IsScheduler)
                return null;
            if (_startedOn.Contains(name) || (state.LastStarts.TryGetValue(name, out DateTimeOffset last) && seen.Now - last < options.StartInterval && seen.Now >= last))
                return "a run was started there just now";
            if (HostLimit(host) is { } limit)
                return limit;
            FleetStart[] here = [.. state.Members.Select(member => member.Start).OfType<FleetStart>().Where(start => start.Host.Equals(name, StringComparison.OrdinalIgnoreCase))];
            if (!needsGpu)
                return here.Count(start => start.Gpu is null) >= options.Slots ? $"{Counted.Of(options.Slots, "slot")}, none free" : null;
            if (host.Gpus.Count == 0)
                return "has no GPU";
            IdleGpu idle = new() { UtilizationBelow = options.GpuUtilizationBelow, MemoryFreeBytes = options.GpuMemoryFreeBytes, IsDeviceNeeded = true };
            List<string> refusals = [];
            List<GpuStatus> free = [];
            foreach (GpuStatus candidate in host.Gpus)
            {
                if (here.Any(start => start.Gpu is { } taken && (taken == candidate.Uuid || start.GpuIndex == candidate.Index)))
                    refusals.Add($"GPU {candidate.Index} trains");
                else if (idle.WhyNot(candidate) is { } refusal)
                    refusals.Add($"GPU {candidate.Index} {refusal}");
                else
                    free.Add(candidate);
            }

            gpu = IdleGpu.Order(free).FirstOrDefault();
            return gpu is null ? string.Join(", ", refusals) : null;
        }

        private string? HostLimit(HostObservation host)
        {
            string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GiB");
            return host switch
            {
                { DiskFreeBytes: { } disk } when disk < options.DiskFreeBytes => $"its disk is full ({Gibibytes(disk)} free)",
                { MemoryFreeBytes: { } memory } when memory < options.MemoryFreeBytes => $"{Gibibytes(memory)} of memory free",
                { CpuPercent: { } cpu } when cpu >= options.CpuUtilizationBelow => string.Create(CultureInfo.InvariantCulture, $"its CPU is used at {cpu:0} %"),
                { Load: { } load, Cores: { } cores } when load >= cores * options.LoadPerCoreBelow => string.Create(CultureInfo.InvariantCulture, $"its load is {load:0.0} on {Counted.Of(cores, "core")}"),
                _ => null,
            };
        }

        private HostStatus StatusOf(string name)
        {
            int runs = state.Members.Count(member => member.Start is { } start && start.Host.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (seen.Hosts.GetValueOrDefault(name) is not { } host)
                return new HostStatus(name, false, "has not been asked yet", runs);
            if (host.SilentFor > TimeSpan.Zero || host.Problem is not null)
                return new HostStatus(name, false, host.Problem ?? "does not answer", runs);
            if (!state.Hosts.Contains(name, StringComparer.OrdinalIgnoreCase))
                return new HostStatus(name, false, "was removed", runs);
            if (HostLimit(host) is { } limit && !host.IsScheduler)
                return new HostStatus(name, false, limit, runs);
            return new HostStatus(name, true, host.IsScheduler ? "queues by itself" : $"{Counted.Of(host.Gpus.Count, "GPU")}, {Counted.Of(host.Cores ?? 0, "core")}", runs);
        }

        private static string Scored(RunObservation run) => $"{Counted.Of(run.EpochsDone, "epoch")} done";

        private static string Text(TimeSpan time) => time switch
        {
            { TotalSeconds: < 100 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):0} s"),
            { TotalMinutes: < 100 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0} h"),
        };

        private static string Text(EndReason reason) => reason switch
        {
            EndReason.Removed => "its configuration was removed",
            EndReason.HostRemoved => "its host was removed",
            EndReason.Stopped => "the fleet is being stopped",
            _ => "it makes no steps",
        };
    }
}

/// <summary>A start that is to end.</summary>
/// <param name="Start">The start.</param>
/// <param name="Reason">Why.</param>
/// <param name="IsOverdue">Whether it is to be ended at once: it was asked before, or has not begun.</param>
public sealed record EndOrder(FleetStart Start, EndReason Reason, bool IsOverdue);

/// <summary>A run that is to be started.</summary>
/// <param name="Member">The configuration.</param>
/// <param name="Host">The host.</param>
/// <param name="Gpu">The GPU's UUID; null for a place on the CPU.</param>
/// <param name="GpuIndex">The GPU's index.</param>
public sealed record PlacedStart(FleetMember Member, string Host, string? Gpu, int? GpuIndex);
