using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>
/// Starts workers, reads their heartbeats from memory, tells dead, stuck and failing ones apart, and replaces the one at fault
/// with exponential backoff. One thread; it sleeps between checks, and a worker's end wakes it.
/// </summary>
internal sealed unsafe class WorkerHealthMonitor : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly object _gate;
    private readonly Ring _ring;
    private readonly IWorkerFactory _factory;
    private readonly IWorkerLossHandler _losses;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _startTimeout;
    private readonly TimeSpan _stackTimeout;
    private readonly TimeSpan _interval;
    private readonly WorkerFindings _findings;
    // Never disposed: an abandoned thread says that it has ended when it does, which may be long after this.
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly List<WorkerSeat> _due = [];
    private long _lastCheck;
    private bool _givenUp;

    /// <summary>A monitor that does nothing before it is started.</summary>
    /// <param name="gate">The lock under which <paramref name="losses"/> is called.</param>
    /// <param name="ring">The ring whose cells are read.</param>
    /// <param name="factory">Starts workers.</param>
    /// <param name="losses">Is told of lost workers.</param>
    /// <param name="seats">How many workers.</param>
    /// <param name="options">The timeouts, and how often heartbeats are read.</param>
    public WorkerHealthMonitor(object gate, Ring ring, IWorkerFactory factory, IWorkerLossHandler losses, int seats, LoaderOptions options)
    {
        _gate = gate;
        _ring = ring;
        _factory = factory;
        _losses = losses;
        _timeout = options.Timeout;
        _startTimeout = options.StartTimeout;
        _stackTimeout = options.StackTimeout;
        // A stuck worker is found at most one interval late, so the interval must not dwarf the timeout.
        _interval = options.HealthCheckInterval < _timeout / 4 ? options.HealthCheckInterval : _timeout / 4;
        Register = new SeatRegister(ring, factory.Kind, seats);
        _findings = new WorkerFindings(ring, losses.NameOf);
        _lastCheck = Stopwatch.GetTimestamp();
        _thread = new Thread(Watch) { IsBackground = true, Name = "loader health monitor" };
    }

    /// <summary>Starts the workers, the first time.</summary>
    public void Start()
    {
        if (_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            _thread.Start();
    }

    /// <summary>The workers' seats, to be read under the gate.</summary>
    public SeatRegister Register { get; }

    /// <summary>Adds a worker; call it under the gate.</summary>
    public void AddSeat()
    {
        Register.Add();
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
            foreach (WorkerSeat seat in _due)
            {
                if (seat.Stuck is StuckWorker stuck)
                    stuck.Probe = seat.Worker!.AskForStack(Wake);
                else
                    Start(seat);
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
        _losses.Tend();
        Register.FreeAbandoned();
        TimeSpan wait = _interval;
        if (_givenUp)
            return wait;
        foreach (WorkerSeat seat in Register.Seats)
        {
            if (seat.Worker is not null)
                CheckWorker(seat, now, asleep);
            if (_givenUp)
                return wait;
            TimeSpan left = seat switch
            {
                { Worker: null } => Stopwatch.GetElapsedTime(now, seat.RestartAt),
                { Stuck: StuckWorker stuck } => _stackTimeout - stuck.Elapsed,
                _ => _interval,
            };
            if (seat.Worker is null && left <= TimeSpan.Zero)
                _due.Add(seat);
            else if (left < wait)
                wait = left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }

        return wait;
    }

    private void CheckWorker(WorkerSeat seat, long now, TimeSpan asleep)
    {
        seat.Forgive(asleep, now);
        if (seat.Stuck is StuckWorker stuck)
        {
            if (seat.Worker!.Exit is not null || stuck.IsExplained || stuck.Elapsed >= _stackTimeout)
                TakeFrom(seat, stuck);
            return;
        }

        WorkerCell* cell = _ring.Cell(seat.Cell);
        if (seat.Worker!.Exit is WorkerExit exit)
        {
            // Who leaves a stopped ring does what it was told.
            if (!_ring.HasStopped)
                OnDead(seat, seat.KillReason ?? exit.Description, seat.KillReason is null ? exit.Loss : WorkerLoss.Stall);
            return;
        }

        long beats = Volatile.Read(ref cell->Beats);
        if (beats != seat.LastBeats)
        {
            if (seat.TakeBeats(beats, Volatile.Read(ref cell->Samples), now))
                _losses.Report(WorkerFindings.Ready(seat));
            return;
        }

        TimeSpan silence = Stopwatch.GetElapsedTime(seat.LastBeatAt, now);
        TimeSpan limit = seat.Health == WorkerHealth.Starting && !(silence > _timeout && seat.Worker.IsStopped) ? _startTimeout : _timeout;
        if (silence > limit && seat.KillReason is null)
            OnStuck(seat, limit);
    }

    private void OnStuck(WorkerSeat seat, TimeSpan limit)
    {
        seat.Stuck = _findings.Stuck(seat, limit);
        seat.Health = WorkerHealth.Stuck;
        // Should it come back while its stack is read, it must not begin with a sample that has nothing to do with it.
        Volatile.Write(ref _ring.Cell(seat.Cell)->Dismissed, 1);
        _due.Add(seat);
    }

    /// <summary>Takes a stuck worker's sample from it.</summary>
    private void TakeFrom(WorkerSeat seat, StuckWorker stuck)
    {
        string reason = stuck.Reason;
        if (seat.Worker!.CanBeKilled)
        {
            // Its end is seen by the next check, which the end itself wakes.
            seat.KillReason = reason;
            stuck.Dispose();
            seat.Stuck = null;
            _losses.Report(stuck.ToEvent(reason));
            seat.Worker.Kill();
            _wake.Set();
            return;
        }

        _losses.TakeAway(seat.Cell, seat.Worker, seat.Name, reason);
        Vacate(seat, hasEnded: false, stuck.ToEvent(reason));
    }

    private void OnDead(WorkerSeat seat, string reason, WorkerLoss loss)
    {
        LoaderEvent died = _findings.Died(seat, reason);
        _losses.TakeBack(seat.Cell, seat.Name, reason, loss);
        Vacate(seat, hasEnded: true, died);
    }

    private void Vacate(WorkerSeat seat, bool hasEnded, LoaderEvent failure)
    {
        bool hasLoaded = _ring.Cell(seat.Cell)->Samples > 0;
        Register.Empty(seat, hasEnded);
        seat.DelayRestart(hasLoaded, Stopwatch.GetTimestamp());
        _wake.Set();
        if (_losses.CountFailure(failure))
            GiveUp();
    }

    private void Start(WorkerSeat seat)
    {
        int cell;
        lock (_gate)
        {
            if (_ring.HasStopped || _givenUp)
                return;
            if (!Register.TryReserveCell(seat, out cell))
            {
                GiveUp();
                _losses.FallBack("too many stuck threads have not come back");
                return;
            }
        }

        IWorker? worker = null;
        string failure = "";
        try
        {
            worker = _factory.Start(cell, Wake);
        }
        catch (Exception exception)
        {
            failure = exception.Message;
        }

        lock (_gate)
        {
            seat.Take(worker ?? NoWorker.Instance, cell, Stopwatch.GetTimestamp());
            if (worker is null)
            {
                Vacate(seat, hasEnded: true, WorkerFindings.NotStarted(seat, failure));
                return;
            }

            Register.CountAlive();
        }
    }

    private void GiveUp()
    {
        _givenUp = true;
        foreach (WorkerSeat seat in Register.Seats.Where(seat => seat.Worker is not null))
        {
            IWorker worker = seat.Worker!;
            // What is stuck somewhere must not be loaded where nobody could take it back.
            string? reason = seat.KillReason ?? seat.Stuck?.Reason;
            if (worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
                _losses.TakeBack(seat.Cell, seat.Name, reason, WorkerLoss.Stall);
            }
            else
            {
                Volatile.Write(ref _ring.Cell(seat.Cell)->Dismissed, 1);
                _losses.TakeAway(seat.Cell, worker, seat.Name, reason);
            }

            Register.Empty(seat, hasEnded: worker.CanBeKilled);
        }
    }

    private void EndAll()
    {
        long start = Stopwatch.GetTimestamp();
        foreach (WorkerSeat seat in Register.Seats.Where(seat => seat.Worker is not null))
        {
            IWorker worker = seat.Worker!;
            seat.Stuck?.Dispose();
            TimeSpan left = Grace - Stopwatch.GetElapsedTime(start);
            if (!worker.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero) && worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
            }

            worker.Dispose();
        }
    }
}
