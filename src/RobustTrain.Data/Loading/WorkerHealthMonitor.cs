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
    private readonly TimeSpan _interval;
    private readonly SeatRegister _register;
    private readonly WorkerFindings _findings;
    // Never disposed: an abandoned thread says that it has ended when it does, which may be long after this.
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private long _lastCheck;
    private bool _stopping;
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
        // A stuck worker is found at most one interval late, so the interval must not dwarf the timeout.
        _interval = options.HealthCheckInterval < _timeout / 4 ? options.HealthCheckInterval : _timeout / 4;
        _register = new SeatRegister(ring, factory.Kind, seats);
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

    /// <summary>The seats as they are; call it under the gate.</summary>
    public IReadOnlyList<WorkerStatus> Statuses => _register.Statuses;

    /// <summary>How many workers there are to be; call it under the gate.</summary>
    public int SeatCount => _register.Seats.Count;

    /// <summary>The times of all workers that ever were; call it under the gate.</summary>
    public void AddTimesTo(StageTotals totals) => _register.AddTimesTo(totals);

    /// <summary>The seat whose worker has, or last had, a cell; call it under the gate.</summary>
    public int SeatOfCell(int cell) => _register.SeatOfCell(cell);

    /// <summary>A seat's name; call it under the gate.</summary>
    public string NameOfSeat(int seat) => _register.Seats[seat].Name;

    /// <summary>Adds a worker; call it under the gate.</summary>
    public void AddSeat()
    {
        _register.Add();
        _wake.Set();
    }

    /// <summary>Lets the monitor look at once.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Marks the worker of a cell as one whose sample failed; call it under the gate.</summary>
    public void MarkFailing(int cell)
    {
        if (_register.Seats.FirstOrDefault(seat => seat.Cell == cell) is WorkerSeat seat)
            seat.IsFailing = true;
    }

    /// <summary>Ends all workers, and waits for those that can be ended.</summary>
    public void Dispose()
    {
        lock (_gate)
            _stopping = true;
        _wake.Set();
        if (!_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            _thread.Join();
    }

    private void Watch()
    {
        while (true)
        {
            TimeSpan wait;
            List<WorkerSeat> toStart;
            lock (_gate)
            {
                if (_stopping)
                    break;
                wait = Check(out toStart);
            }

            // A start takes milliseconds, which the consumer need not wait for.
            foreach (WorkerSeat seat in toStart)
                Start(seat);
            _wake.WaitOne(wait);
        }

        EndAll();
    }

    private TimeSpan Check(out List<WorkerSeat> toStart)
    {
        toStart = [];
        long now = Stopwatch.GetTimestamp();
        // Where this thread itself did not run for long, because the whole process group was stopped or the machine slept,
        // silence proves nothing.
        bool slept = Stopwatch.GetElapsedTime(_lastCheck, now) > (2 * _interval) + TimeSpan.FromSeconds(1);
        _lastCheck = now;
        _losses.Tend();
        _register.FreeAbandoned();
        TimeSpan wait = _interval;
        if (_givenUp)
            return wait;
        foreach (WorkerSeat seat in _register.Seats)
        {
            if (seat.Worker is not null)
                CheckWorker(seat, now, slept);
            if (_givenUp)
                return wait;
            if (seat.Worker is null && seat.Health == WorkerHealth.Dead)
            {
                TimeSpan left = Stopwatch.GetElapsedTime(now, seat.RestartAt);
                if (left <= TimeSpan.Zero)
                    toStart.Add(seat);
                else if (left < wait)
                    wait = left;
            }
        }

        return wait;
    }

    private void CheckWorker(WorkerSeat seat, long now, bool slept)
    {
        WorkerCell* cell = _ring.Cell(seat.Cell);
        if (seat.Worker!.Exit is WorkerExit exit)
        {
            OnDead(seat, seat.KillReason ?? exit.Description, seat.KillReason is null && exit.IsKill);
            return;
        }

        long beats = Volatile.Read(ref cell->Beats);
        if (beats != seat.LastBeats || slept)
        {
            if (seat.TakeBeats(beats, Volatile.Read(ref cell->Samples), now))
                _losses.Report(WorkerFindings.Ready(seat));
            return;
        }

        TimeSpan limit = seat.Health == WorkerHealth.Starting ? _startTimeout : _timeout;
        if (Stopwatch.GetElapsedTime(seat.LastBeatAt, now) > limit && seat.KillReason is null)
            OnStuck(seat, limit);
    }

    private void OnStuck(WorkerSeat seat, TimeSpan limit)
    {
        string reason = _findings.WhyStuck(seat, limit);
        seat.Health = WorkerHealth.Stuck;
        LoaderEvent stuck = _findings.Stuck(seat, reason);
        if (seat.Worker!.CanBeKilled)
        {
            // Its end is seen by the next check, which the end itself wakes.
            seat.KillReason = reason;
            _losses.Report(stuck);
            seat.Worker.Kill();
            return;
        }

        Volatile.Write(ref _ring.Cell(seat.Cell)->Dismissed, 1);
        _losses.TakeAway(seat.Cell, seat.Worker, seat.Name, reason);
        Vacate(seat, hasEnded: false);
        if (_losses.CountFailure(stuck))
            GiveUp();
    }

    private void OnDead(WorkerSeat seat, string reason, bool isKill)
    {
        LoaderEvent died = _findings.Died(seat, reason);
        _losses.TakeBack(seat.Cell, seat.Name, reason, isKill);
        Vacate(seat, hasEnded: true);
        if (_losses.CountFailure(died))
            GiveUp();
    }

    private void Vacate(WorkerSeat seat, bool hasEnded)
    {
        bool hasLoaded = _ring.Cell(seat.Cell)->Samples > 0;
        _register.Empty(seat, hasEnded);
        seat.DelayRestart(hasLoaded, Stopwatch.GetTimestamp());
        _wake.Set();
    }

    private void Start(WorkerSeat seat)
    {
        int cell;
        lock (_gate)
        {
            if (_stopping || _givenUp)
                return;
            if (!_register.TryReserveCell(seat, out cell))
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
                Vacate(seat, hasEnded: true);
                if (_losses.CountFailure(WorkerFindings.NotStarted(seat, failure)))
                    GiveUp();
                return;
            }

            _register.CountAlive();
        }
    }

    private void GiveUp()
    {
        _givenUp = true;
        foreach (WorkerSeat seat in _register.Seats.Where(seat => seat.Worker is not null))
        {
            IWorker worker = seat.Worker!;
            if (worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
                _losses.TakeBack(seat.Cell, seat.Name, reason: null, isKill: true);
            }
            else
            {
                Volatile.Write(ref _ring.Cell(seat.Cell)->Dismissed, 1);
                _losses.TakeAway(seat.Cell, worker, seat.Name, reason: null);
            }

            _register.Empty(seat, hasEnded: worker.CanBeKilled);
        }
    }

    private void EndAll()
    {
        _ring.Stop();
        long start = Stopwatch.GetTimestamp();
        foreach (WorkerSeat seat in _register.Seats.Where(seat => seat.Worker is not null))
        {
            IWorker worker = seat.Worker!;
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
