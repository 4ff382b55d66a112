using RobustTrain.Fleet.Hosts;
using RobustTrain.Fleet.State;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet;

/// <summary>Keeps a fleet's runs going until all are finished: observe, decide, record, act, and again.</summary>
/// <param name="folder">The fleet, held by this process.</param>
/// <param name="options">When a host is free enough, and what becomes of runs that fail.</param>
/// <param name="reader">Reads configurations.</param>
/// <param name="connect">Makes a host of its name.</param>
/// <param name="time">The clock.</param>
public sealed class FleetEngine(FleetFolder folder, FleetOptions options, IMemberReader reader, Func<string, IFleetHost> connect, TimeProvider time) : IDisposable
{
    // A look waits no longer than this for hosts that are slow; they are asked on, beside it.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // Readers of the status see by its time that the fleet lives.
    private static readonly TimeSpan s_statusAge = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, HostWatch> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, RunWatch> _runs = [];
    private FleetStatus? _status;
    private DateTimeOffset _written;

    /// <summary>A configuration stands otherwise than before.</summary>
    public event Action<MemberStatus>? MemberChanged;

    /// <summary>A host stands otherwise than before.</summary>
    public event Action<HostStatus>? HostChanged;

    /// <summary>Something did not work that is tried again.</summary>
    public event Action<string>? Warned;

    /// <summary>How everything stood at the last look; null before the first.</summary>
    public FleetStatus? Status => _status;

    /// <summary>Runs the fleet until nothing is left to do, or it is told to stop; its runs go on without it.</summary>
    /// <returns>Whether it came to its end.</returns>
    public async Task<bool> RunAsync(CancellationToken stopping)
    {
        try
        {
            while (!await StepAsync(stopping).ConfigureAwait(false))
                await Task.Delay(options.Interval, time, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            folder.Append(new FleetClosed("stopped"));
            return false;
        }

        folder.Append(new FleetClosed("nothing is left to do"));
        return true;
    }

    /// <summary>One look, and what follows from it.</summary>
    /// <returns>Whether nothing is left to do.</returns>
    internal async Task<bool> StepAsync(CancellationToken stopping)
    {
        try
        {
            foreach (string problem in folder.TakeRequests())
                Warned?.Invoke(problem);
            FleetObservation seen = await ObserveAsync(stopping).ConfigureAwait(false);
            FleetDecision decision = FleetDecision.Of(folder.State, seen, options);
            foreach (FleetEvent settled in decision.Settled)
                folder.Append(settled);
            foreach (EndOrder order in decision.Ends)
                await EndAsync(order, stopping).ConfigureAwait(false);
            foreach (PlacedStart placed in decision.Starts)
                await StartAsync(placed, seen.Runs[placed.Member.Name].NeedsGpu, stopping).ConfigureAwait(false);
            Tell(decision.Status);
            return decision.IsDone;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            // What could not be recorded was not done; the runs go on.
            Warned?.Invoke($"The fleet's folder '{folder.Path}' can't be written, and is tried again: {StorageError.Describe(refused)}");
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (HostWatch host in _hosts.Values)
            host.Dispose();
    }

    private async Task<FleetObservation> ObserveAsync(CancellationToken stopping)
    {
        FleetState state = folder.State;
        foreach (string gone in _hosts.Keys.Except(state.HostsInUse, StringComparer.OrdinalIgnoreCase).ToArray())
        {
            _hosts[gone].Dispose();
            _hosts.Remove(gone);
        }

        Dictionary<string, Task<HostObservation>> looks = new(StringComparer.OrdinalIgnoreCase);
        foreach (string name in state.HostsInUse)
        {
            if (!_hosts.TryGetValue(name, out HostWatch? watch))
                _hosts[name] = watch = new HostWatch(connect(name), time);
            looks[name] = watch.LookAsync([.. state.Members.Select(member => member.Start).OfType<FleetStart>().Where(start => start.Host.Equals(name, StringComparison.OrdinalIgnoreCase))], s_patience, stopping);
        }

        await Task.WhenAll(looks.Values).ConfigureAwait(false);

        // Runs after their hosts: a process that is gone has written its last words by then.
        Dictionary<string, RunObservation> runs = [];
        foreach (FleetMember member in state.Members)
        {
            if (!_runs.TryGetValue(member.Name, out RunWatch? watch))
                _runs[member.Name] = watch = new RunWatch(member, folder.Path, reader, time);
            runs[member.Name] = watch.Look(member.Start);
        }

        foreach (string gone in _runs.Keys.Except(runs.Keys).ToArray())
            _runs.Remove(gone);
        return new FleetObservation(time.GetUtcNow(), looks.ToDictionary(look => look.Key, look => look.Value.Result, StringComparer.OrdinalIgnoreCase), runs);
    }

    private async Task StartAsync(PlacedStart placed, bool needsGpu, CancellationToken stopping)
    {
        string start = Guid.NewGuid().ToString("N");
        FleetMember member = placed.Member;
        StartOrder order = new(
            folder.Path, start, folder.State.WorkingFolder,
            ["train", member.Config, "--run-path", FleetFolder.RunPathOf(folder.Path, member.Name), "--resume", "auto", "--events", .. member.Settings.SelectMany(setting => (string[])["--set", setting])],
            placed.Gpu, member.Name, needsGpu);

        // From here on a kill leaves a start of which the host can be asked by its id.
        folder.Append(new StartIntended(start, member.Name, placed.Host, placed.Gpu, placed.GpuIndex));
        try
        {
            folder.Append(new StartAnswered(start, await _hosts[placed.Host].Host.StartAsync(order, stopping).ConfigureAwait(false)));
        }
        catch (FleetHostException failure) when (!failure.IsUnsettled)
        {
            folder.Append(new StartEnded(start, StartOutcome.Failed, null, failure.Message.TrimEnd('.'), 0));
        }
        catch (FleetHostException failure)
        {
            Warned?.Invoke($"Whether '{member.Name}' was started on {placed.Host} is not known yet: {failure.Message}");
        }
    }

    private async Task EndAsync(EndOrder order, CancellationToken stopping)
    {
        if (order.Start.End is null)
            folder.Append(new EndAsked(order.Start.Id, order.Reason));

        // The handle may have become known in this very look.
        if (folder.State.Members.Find(member => member.Start?.Id == order.Start.Id)?.Start?.Handle is not { } handle)
            return;
        try
        {
            await _hosts[order.Start.Host].Host.EndAsync(handle, order.IsOverdue, stopping).ConfigureAwait(false);
        }
        catch (FleetHostException failure)
        {
            Warned?.Invoke($"A run on {order.Start.Host} can't be ended, which is tried again: {failure.Message}");
        }
    }

    private void Tell(FleetStatus status)
    {
        FleetStatus? before = _status;
        _status = status;
        if (before is null || !before.Members.SequenceEqual(status.Members) || !before.Hosts.SequenceEqual(status.Hosts) || status.Time - _written >= s_statusAge)
        {
            folder.WriteStatus(status);
            _written = status.Time;
        }

        foreach (MemberStatus member in status.Members)
        {
            // Reasons count seconds; what they count is no change.
            MemberStatus? former = before?.Members.FirstOrDefault(other => other.Name == member.Name);
            if (former is null || former with { Reason = member.Reason } != member)
                MemberChanged?.Invoke(member);
        }

        foreach (HostStatus host in status.Hosts)
        {
            HostStatus? former = before?.Hosts.FirstOrDefault(other => other.Name == host.Name);
            if (former is null || former.IsUsable != host.IsUsable)
                HostChanged?.Invoke(host);
        }
    }

    // A host that is slow to answer is asked on beside the looks of the others.
    private sealed class HostWatch(IFleetHost host, TimeProvider time) : IDisposable
    {
        private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan s_longestRetry = TimeSpan.FromSeconds(30);

        private Task<HostObservation>? _pending;
        private HostObservation? _failure;
        private long _answered = time.GetTimestamp();
        private long _failed;
        private TimeSpan _retry;

        public IFleetHost Host => host;

        public async Task<HostObservation> LookAsync(IReadOnlyList<FleetStart> starts, TimeSpan patience, CancellationToken stopping)
        {
            if (_pending is null && _failure is not null && time.GetElapsedTime(_failed) < _retry)
                return Silent(_failure);
            _pending ??= host.ObserveAsync(starts, stopping);
            await Task.WhenAny(_pending, Task.Delay(patience, stopping)).ConfigureAwait(false);
            stopping.ThrowIfCancellationRequested();
            if (!_pending.IsCompleted)
                return Silent(_failure ?? new HostObservation { Problem = "it is slow to answer" });
            HostObservation seen = await _pending.ConfigureAwait(false);
            _pending = null;
            if (seen.SilentFor > TimeSpan.Zero)
            {
                _retry = _failure is null ? s_firstRetry : TimeSpan.FromTicks(Math.Min(s_longestRetry.Ticks, _retry.Ticks * 2));
                (_failure, _failed) = (seen, time.GetTimestamp());
                return Silent(seen);
            }

            (_failure, _answered) = (null, time.GetTimestamp());
            return seen;
        }

        public void Dispose() => host.Dispose();

        private HostObservation Silent(HostObservation seen)
        {
            TimeSpan silence = time.GetElapsedTime(_answered);
            return seen with { SilentFor = silence > TimeSpan.Zero ? silence : TimeSpan.FromTicks(1), Starts = new Dictionary<string, StartSighting>() };
        }
    }
}
