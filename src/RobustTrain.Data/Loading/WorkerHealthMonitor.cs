using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>
/// Starts workers, reads their heartbeats from memory, tells dead, stuck and failing ones apart, and replaces the one at fault
/// with exponential backoff. One thread; it sleeps between checks, and a worker's end wakes it.
/// </summary>
internal sealed unsafe class WorkerHealthMonitor : IDisposable
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly object _gate;
    private readonly Ring _ring;
    private readonly IWorkerFactory _factory;
    private readonly IWorkerLossHandler _losses;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _startTimeout;
    private readonly TimeSpan _interval;
    private readonly List<WorkerSeat> _seats = [];
    private readonly Stack<int> _freeCells;
    private readonly int[] _seatOfCell;
    private readonly List<(IWorker Worker, int Cell)> _abandoned = [];
    // Never disposed: an abandoned thread says that it has ended when it does, which may be long after this.
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly StageTotals _former = new();
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
        // Cell 0 is the consumer's own.
        _freeCells = new Stack<int>(Enumerable.Range(1, ring.Memory.Layout.WorkerCapacity - 1).Reverse());
        _seatOfCell = new int[ring.Memory.Layout.WorkerCapacity];
        for (int seat = 0; seat < seats; seat++)
            _seats.Add(new WorkerSeat($"{factory.Kind}-{seat}"));
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
    public IReadOnlyList<WorkerStatus> Statuses
    {
        get
        {
            long now = Stopwatch.GetTimestamp();
            return [.. _seats.Select(seat => new WorkerStatus(
                seat.Name,
                seat.Health,
                seat.Worker?.ProcessId,
                SamplesOf(seat),
                seat.Starts,
                seat.Worker is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(seat.LastBeatAt, now)))];
        }
    }

    /// <summary>How many workers there are to be; call it under the gate.</summary>
    public int SeatCount => _seats.Count;

    /// <summary>The times of all workers that ever were; call it under the gate.</summary>
    public void AddTimesTo(StageTotals totals)
    {
        totals.Add(_former);
        foreach (WorkerSeat seat in _seats.Where(seat => seat.Cell >= 0))
            totals.Add(_ring.Cell(seat.Cell));
        foreach ((_, int cell) in _abandoned)
            totals.Add(_ring.Cell(cell));
    }

    /// <summary>The seat whose worker has, or last had, a cell; call it under the gate.</summary>
    public int SeatOfCell(int cell) => _seatOfCell[cell];

    /// <summary>A seat's name; call it under the gate.</summary>
    public string NameOfSeat(int seat) => _seats[seat].Name;

    /// <summary>Adds a worker; call it under the gate.</summary>
    public void AddSeat()
    {
        _seats.Add(new WorkerSeat($"{_factory.Kind}-{_seats.Count}"));
        _wake.Set();
    }

    /// <summary>Lets the monitor look at once.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Marks the worker of a cell as one whose sample failed; call it under the gate.</summary>
    public void MarkFailing(int cell)
    {
        if (_seats.FirstOrDefault(seat => seat.Cell == cell) is WorkerSeat seat)
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

    private long SamplesOf(WorkerSeat seat) => seat.SamplesBefore + (seat.Cell >= 0 ? Volatile.Read(ref _ring.Cell(seat.Cell)->Samples) : 0);

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
        FreeAbandoned();
        TimeSpan wait = _interval;
        if (_givenUp)
            return wait;
        foreach (WorkerSeat seat in _seats)
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
            if (beats > 0 && seat.Health == WorkerHealth.Starting)
            {
                seat.Health = WorkerHealth.Alive;
                _losses.Report(new LoaderEvent(LoaderEventKind.WorkerReady, $"Worker {seat.Name} is ready.") { Worker = seat.Name, ProcessId = seat.Worker.ProcessId });
            }

            if (cell->Samples > 0 && !seat.IsFailing)
            {
                seat.FailuresInRow = 0;
                if (seat.Health == WorkerHealth.Failing)
                    seat.Health = WorkerHealth.Alive;
            }
            else if (seat.IsFailing && seat.Health == WorkerHealth.Alive)
            {
                seat.Health = WorkerHealth.Failing;
            }

            seat.IsFailing = false;
            seat.LastBeats = beats;
            seat.LastBeatAt = now;
            return;
        }

        TimeSpan limit = seat.Health == WorkerHealth.Starting ? _startTimeout : _timeout;
        if (Stopwatch.GetElapsedTime(seat.LastBeatAt, now) > limit && seat.KillReason is null)
            OnStuck(seat, cell, limit);
    }

    private void OnStuck(WorkerSeat seat, WorkerCell* cell, TimeSpan limit)
    {
        WorkerState state = (WorkerState)Volatile.Read(ref cell->State);
        string doing = state switch
        {
            WorkerState.Loading => $"on sample {cell->SampleIndex} ({_losses.NameOf(cell->SampleIndex)}), in stage {cell->Stages.Stage.ToString().ToLowerInvariant()}",
            WorkerState.Starting => "while starting",
            _ => "without a sample",
        };
        string reason = $"stood still for more than {limit.TotalSeconds:0.###} s {doing}; {seat.Worker!.DescribeActivity()}";
        seat.Health = WorkerHealth.Stuck;
        LoaderEvent stuck = new(LoaderEventKind.WorkerStuck, $"Worker {seat.Name} {reason}.")
        {
            Worker = seat.Name,
            ProcessId = seat.Worker.ProcessId,
            SampleIndex = state == WorkerState.Loading ? cell->SampleIndex : null,
            Sample = state == WorkerState.Loading ? _losses.NameOf(cell->SampleIndex) : null,
        };
        if (seat.Worker.CanBeKilled)
        {
            // Its end is seen by the next check, which the end itself wakes.
            seat.KillReason = reason;
            _losses.Report(stuck);
            seat.Worker.Kill();
            return;
        }

        Volatile.Write(ref cell->Dismissed, 1);
        _losses.TakeAway(seat.Cell, seat.Worker, seat.Name, reason);
        _abandoned.Add((seat.Worker, seat.Cell));
        Vacate(seat, keepCell: true);
        if (_losses.CountFailure(stuck))
            GiveUp();
    }

    private void OnDead(WorkerSeat seat, string reason, bool isKill)
    {
        WorkerCell* cell = _ring.Cell(seat.Cell);
        bool starting = seat.Health == WorkerHealth.Starting && Volatile.Read(ref cell->Beats) == 0;
        int? process = seat.Worker!.ProcessId;
        int lost = seat.Cell;
        bool loading = (WorkerState)cell->State == WorkerState.Loading;
        int sample = cell->SampleIndex;
        _losses.TakeBack(lost, seat.Name, reason, isKill);
        Vacate(seat, keepCell: false);
        LoaderEvent died = new(LoaderEventKind.WorkerDied, $"Worker {seat.Name} died{(starting ? " while starting" : "")}: {reason}.")
        {
            Worker = seat.Name,
            ProcessId = process,
            SampleIndex = loading ? sample : null,
            Sample = loading ? _losses.NameOf(sample) : null,
        };
        if (_losses.CountFailure(died))
            GiveUp();
    }

    private void Vacate(WorkerSeat seat, bool keepCell)
    {
        WorkerCell* cell = _ring.Cell(seat.Cell);
        seat.SamplesBefore += cell->Samples;
        if (cell->Samples > 0)
            seat.FailuresInRow = 0;
        if (!keepCell)
        {
            seat.Worker!.Dispose();
            Free(seat.Cell);
        }

        seat.Worker = null;
        seat.Cell = -1;
        seat.KillReason = null;
        seat.Health = WorkerHealth.Dead;
        // The first replacement comes at once; only what fails again and again is slowed down.
        TimeSpan backoff = seat.FailuresInRow == 0
            ? TimeSpan.Zero
            : TimeSpan.FromTicks(Math.Min(LongestBackoff.Ticks, FirstBackoff.Ticks << Math.Min(seat.FailuresInRow - 1, 16)));
        seat.FailuresInRow++;
        seat.RestartAt = Stopwatch.GetTimestamp() + (long)(backoff.TotalSeconds * Stopwatch.Frequency);
        CountAlive();
        _wake.Set();
    }

    private void Start(WorkerSeat seat)
    {
        int cell;
        lock (_gate)
        {
            if (_stopping || _givenUp)
                return;
            if (!_freeCells.TryPop(out cell))
            {
                GiveUp();
                _losses.FallBack("too many stuck threads have not come back");
                return;
            }

            _seatOfCell[cell] = _seats.IndexOf(seat);
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
            seat.Starts++;
            seat.Cell = cell;
            seat.Worker = worker;
            if (worker is null)
            {
                seat.Worker = NoWorker.Instance;
                Vacate(seat, keepCell: false);
                if (_losses.CountFailure(new LoaderEvent(LoaderEventKind.WorkerDied, $"Worker {seat.Name} could not be started: {failure}") { Worker = seat.Name }))
                    GiveUp();
                return;
            }

            seat.Health = WorkerHealth.Starting;
            seat.LastBeats = 0;
            seat.LastBeatAt = Stopwatch.GetTimestamp();
            CountAlive();
        }
    }

    private void CountAlive() => Volatile.Write(ref _ring.Header->AliveWorkers, _seats.Count(seat => seat.Worker is not null));

    private void GiveUp()
    {
        _givenUp = true;
        foreach (WorkerSeat seat in _seats.Where(seat => seat.Worker is not null))
        {
            IWorker worker = seat.Worker!;
            seat.SamplesBefore += _ring.Cell(seat.Cell)->Samples;
            if (worker.CanBeKilled)
            {
                worker.Kill();
                worker.Join(Grace);
                _losses.TakeBack(seat.Cell, seat.Name, reason: null, isKill: true);
                worker.Dispose();
                Free(seat.Cell);
            }
            else
            {
                Volatile.Write(ref _ring.Cell(seat.Cell)->Dismissed, 1);
                _losses.TakeAway(seat.Cell, worker, seat.Name, reason: null);
                _abandoned.Add((worker, seat.Cell));
            }

            seat.Worker = null;
            seat.Cell = -1;
            seat.Health = WorkerHealth.Dead;
        }

        CountAlive();
    }

    private void FreeAbandoned()
    {
        for (int place = _abandoned.Count - 1; place >= 0; place--)
        {
            (IWorker worker, int cell) = _abandoned[place];
            if (worker.Exit is null)
                continue;
            worker.Dispose();
            Free(cell);
            _abandoned.RemoveAt(place);
        }
    }

    private void Free(int cell)
    {
        _former.Add(_ring.Cell(cell));
        new Span<byte>(_ring.Cell(cell), WorkerCell.Bytes).Clear();
        _freeCells.Push(cell);
    }

    private void EndAll()
    {
        _ring.Stop();
        long start = Stopwatch.GetTimestamp();
        foreach (WorkerSeat seat in _seats.Where(seat => seat.Worker is not null))
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
