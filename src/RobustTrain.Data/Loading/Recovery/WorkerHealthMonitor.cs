using System.Diagnostics;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Data.Loading.Recovery;

/// <summary>
/// Starts workers, reads their heartbeats from memory, tells dead, stuck and failing ones apart, and replaces the one at fault
/// with exponential backoff. One thread; it sleeps between checks, and a worker's end wakes it.
/// </summary>
internal sealed unsafe class WorkerHealthMonitor : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly object _gate;
    private readonly SampleRing _ring;
    private readonly WorkerPool _pool;
    private readonly Func<int, Action, IWorker> _start;
    private readonly WorkerLossRecovery _recovery;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _startTimeout;
    private readonly TimeSpan _stackTimeout;
    private readonly TimeSpan _interval;
    // Never disposed: an abandoned thread says that it has ended when it does, which may be long after this.
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly List<WorkerSlot> _due = [];
    private long _lastCheck;
    private bool _givenUp;

    /// <summary>A monitor that does nothing before it is started.</summary>
    /// <param name="gate">The lock under which everything but the start of a worker happens.</param>
    /// <param name="ring">The ring whose heartbeats are read.</param>
    /// <param name="pool">The workers.</param>
    /// <param name="start">Starts the worker of a number; what it is given is to be called when the worker has ended, from any thread.</param>
    /// <param name="recovery">Is told of lost workers.</param>
    /// <param name="options">The timeouts, and how often heartbeats are read.</param>
    public WorkerHealthMonitor(object gate, SampleRing ring, WorkerPool pool, Func<int, Action, IWorker> start, WorkerLossRecovery recovery, LoaderOptions options)
    {
        _gate = gate;
        _ring = ring;
        _pool = pool;
        _start = start;
        _recovery = recovery;
        _timeout = options.Timeout;
        _startTimeout = options.StartTimeout;
        _stackTimeout = options.StackTimeout;
        // A stuck worker is found at most one interval late, so the interval must not dwarf the timeout.
        _interval = options.HealthCheckInterval < _timeout / 4 ? options.HealthCheckInterval : _timeout / 4;
        _lastCheck = Stopwatch.GetTimestamp();
        _thread = new Thread(Watch) { IsBackground = true, Name = "loader health monitor" };
    }

    /// <summary>Starts the workers, the first time.</summary>
    public void Start()
    {
        if (_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            _thread.Start();
    }

    /// <summary>Adds a worker; call it under the gate.</summary>
    public void Add()
    {
        _pool.Add();
        _wake.Set();
    }

    /// <summary>Lets the monitor look at once.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Waits until the workers of a stopped ring have left, and ends those that don't and can be ended.</summary>
    public void Dispose()
    {
        _wake.Set();
        if (!_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            _thread.Join();
    }

    private void Watch()
    {
        while (true)
        {
            TimeSpan wait;
            lock (_gate)
            {
                if (_ring.HasStopped)
                    break;
                wait = Check();
            }

            // Either starts a process, which takes milliseconds that the consumer need not wait for.
            foreach (WorkerSlot slot in _due)
            {
                if (slot.Stuck is StuckWorker stuck)
                    stuck.Probe = slot.Worker!.AskForStack(Wake);
                else
                    Start(slot);
            }

            _wake.WaitOne(wait);
        }

        EndAll();
    }

    private TimeSpan Check()
    {
        _due.Clear();
        long now = Stopwatch.GetTimestamp();
        // Where this thread itself did not run for long, because the whole process group was stopped or the machine slept,
        // nobody's silence of that time proves anything.
        TimeSpan sinceLast = Stopwatch.GetElapsedTime(_lastCheck, now);
        TimeSpan asleep = sinceLast > 2 * _interval ? sinceLast - _interval : TimeSpan.Zero;
        _lastCheck = now;
        _recovery.Tend();
        _pool.FreeAbandoned();
        TimeSpan wait = _interval;
        if (_givenUp)
            return wait;
        foreach (WorkerSlot slot in _pool.Slots)
        {
            if (slot.Worker is not null)
                CheckWorker(slot, now, asleep);
            if (_givenUp)
                return wait;
            TimeSpan left = slot switch
            {
                { Worker: null } => Stopwatch.GetElapsedTime(now, slot.RestartAt),
                { Stuck: StuckWorker stuck } => _stackTimeout - stuck.Elapsed,
                _ => _interval,
            };
            if (slot.Worker is null && left <= TimeSpan.Zero)
                _due.Add(slot);
            else if (left < wait)
                wait = left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }

        return wait;
    }

    private void CheckWorker(WorkerSlot slot, long now, TimeSpan asleep)
    {
        slot.Forgive(asleep, now);
        if (slot.Stuck is StuckWorker stuck)
        {
            if (slot.Worker!.Exit is not null || stuck.IsExplained || stuck.Elapsed >= _stackTimeout)
                TakeFrom(slot, stuck);
            return;
        }

        Heartbeat* heartbeat = _ring.Heartbeat(slot.Number);
        if (slot.Worker!.Exit is WorkerExit exit)
        {
            // Who leaves a stopped ring does what it was told.
            if (!_ring.HasStopped)
                OnDead(slot, slot.KillReason ?? exit.Description, slot.KillReason is null ? exit.Loss : WorkerLoss.Stall);
            return;
        }

        long beats = Volatile.Read(ref heartbeat->Beats);
        if (beats != slot.LastBeats)
        {
            if (slot.TakeBeats(beats, Volatile.Read(ref heartbeat->Samples), now))
                _recovery.Report(Ready(slot));
            return;
        }

        TimeSpan silence = Stopwatch.GetElapsedTime(slot.LastBeatAt, now);
        TimeSpan limit = slot.Health == WorkerHealth.Starting && !(silence > _timeout && slot.Worker.IsStopped) ? _startTimeout : _timeout;
        if (silence > limit && slot.KillReason is null)
            OnStuck(slot, limit);
    }

    private void OnStuck(WorkerSlot slot, TimeSpan limit)
    {
        slot.Stuck = Explain(slot, limit);
        slot.Health = WorkerHealth.Stuck;
        // Should it come back while its stack is read, it must not begin with a sample that has nothing to do with it.
        Volatile.Write(ref _ring.Heartbeat(slot.Number)->Dismissed, 1);
        _due.Add(slot);
    }

    /// <summary>Takes a stuck worker's sample from it.</summary>
    private void TakeFrom(WorkerSlot slot, StuckWorker stuck)
    {
        string reason = stuck.Reason;
        if (slot.Worker!.CanBeKilled)
        {
            // Its end is seen by the next check, which the end itself wakes.
            slot.KillReason = reason;
            stuck.Dispose();
            slot.Stuck = null;
            _recovery.Report(stuck.ToEvent(reason));
            slot.Worker.Kill();
            _wake.Set();
            return;
        }

        _recovery.TakeAway(slot, reason);
        Vacate(slot, hasEnded: false, stuck.ToEvent(reason));
    }

    private void OnDead(WorkerSlot slot, string reason, WorkerLoss loss)
    {
        LoaderEvent died = Died(slot, reason);
        _recovery.TakeBack(slot, reason, loss);
        Vacate(slot, hasEnded: true, died);
    }

    private void Vacate(WorkerSlot slot, bool hasEnded, LoaderEvent failure)
    {
        bool hasLoaded = _ring.Heartbeat(slot.Number)->Samples > 0;
        _pool.Empty(slot, hasEnded);
        CountFailure(slot, hasLoaded, failure);
    }

    private void CountFailure(WorkerSlot slot, bool hasLoaded, LoaderEvent failure)
    {
        slot.DelayRestart(hasLoaded, Stopwatch.GetTimestamp());
        _wake.Set();
        if (_recovery.CountFailure(failure))
            GiveUp();
    }

    private void Start(WorkerSlot slot)
    {
        int number;
        lock (_gate)
        {
            if (_ring.HasStopped || _givenUp)
                return;
            if (!_pool.TryReserve(slot, out number))
            {
                GiveUp();
                _recovery.FallBack("too many stuck threads have not come back");
                return;
            }
        }

        try
        {
            IWorker worker = _start(number, Wake);
            lock (_gate)
                _pool.Fill(slot, worker, number);
        }
        catch (Exception exception)
        {
            lock (_gate)
            {
                _pool.Return(number);
                slot.NoteFailedStart();
                CountFailure(slot, hasLoaded: false, new LoaderEvent(LoaderEventKind.WorkerDied, $"Worker {slot.Name} could not be started: {exception.Message}") { Worker = slot.Name });
            }
        }
    }

    private void GiveUp()
    {
        _givenUp = true;
        foreach (WorkerSlot slot in _pool.Slots.Where(slot => slot.Worker is not null))
        {
            IWorker worker = slot.Worker!;
            // What is stuck somewhere must not be loaded where nobody could take it back.
            string? reason = slot.KillReason ?? slot.Stuck?.Reason;
            if (worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
                _recovery.TakeBack(slot, reason, WorkerLoss.Stall);
            }
            else
            {
                Volatile.Write(ref _ring.Heartbeat(slot.Number)->Dismissed, 1);
                _recovery.TakeAway(slot, reason);
            }

            _pool.Empty(slot, hasEnded: worker.CanBeKilled);
        }
    }

    private void EndAll()
    {
        long start = Stopwatch.GetTimestamp();
        foreach (WorkerSlot slot in _pool.Slots.Where(slot => slot.Worker is not null))
        {
            IWorker worker = slot.Worker!;
            slot.Stuck?.Dispose();
            TimeSpan left = Grace - Stopwatch.GetElapsedTime(start);
            if (!worker.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero) && worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
            }

            worker.Dispose();
        }
    }

    private static LoaderEvent Ready(WorkerSlot slot) =>
        new(LoaderEventKind.WorkerReady, $"Worker {slot.Name} is ready.") { Worker = slot.Name, ProcessId = slot.Worker!.ProcessId };

    /// <summary>What a stuck worker is doing, and what the system knows of it.</summary>
    private StuckWorker Explain(WorkerSlot slot, TimeSpan limit)
    {
        Heartbeat* heartbeat = _ring.Heartbeat(slot.Number);
        string doing = (WorkerState)Volatile.Read(ref heartbeat->State) switch
        {
            WorkerState.Loading => $"on sample {heartbeat->SampleIndex} ({_recovery.NameOf(heartbeat->SampleIndex)}), in stage {heartbeat->Stages.Stage.ToString().ToLowerInvariant()}",
            WorkerState.Starting => "while starting",
            _ => "without a sample",
        };
        return new StuckWorker(
            $"stood still for more than {limit.TotalSeconds:0.###} s {doing}; {slot.Worker!.DescribeActivity()}",
            OfSample(LoaderEventKind.WorkerStuck, slot, ""));
    }

    // To be made before the slot is emptied.
    private LoaderEvent Died(WorkerSlot slot, string reason)
    {
        bool isStarting = slot.Health == WorkerHealth.Starting && Volatile.Read(ref _ring.Heartbeat(slot.Number)->Beats) == 0;
        return OfSample(LoaderEventKind.WorkerDied, slot, $"Worker {slot.Name} died{(isStarting ? " while starting" : "")}: {reason}.");
    }

    private LoaderEvent OfSample(LoaderEventKind kind, WorkerSlot slot, string message)
    {
        Heartbeat* heartbeat = _ring.Heartbeat(slot.Number);
        bool isLoading = (WorkerState)Volatile.Read(ref heartbeat->State) == WorkerState.Loading;
        return new LoaderEvent(kind, message)
        {
            Worker = slot.Name,
            ProcessId = slot.Worker!.ProcessId,
            SampleIndex = isLoading ? heartbeat->SampleIndex : null,
            Sample = isLoading ? _recovery.NameOf(heartbeat->SampleIndex) : null,
        };
    }
}
