using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>
/// The workers' seats and the cells that their workers have in the ring's memory. A seat outlives its workers; a cell belongs to
/// one worker until it has ended, which for a stuck thread may be long after its seat was given to another. Everything happens under
/// the session's gate.
/// </summary>
internal sealed unsafe class SeatRegister
{
    private readonly Ring _ring;
    private readonly string _kind;
    private readonly List<WorkerSeat> _seats = [];
    private readonly List<int> _freeCells;
    private readonly int[] _seatOfCell;
    private readonly List<AbandonedWorker> _abandoned = [];
    private readonly StageTotals _former = new();

    public SeatRegister(Ring ring, string kind, int seats)
    {
        _ring = ring;
        _kind = kind;
        int cells = ring.Memory.Layout.WorkerCapacity;
        // Cell 0 is the consumer's own.
        _freeCells = new List<int>(cells);
        for (int cell = cells - 1; cell > 0; cell--)
            _freeCells.Add(cell);
        _seatOfCell = new int[cells];
        for (int seat = 0; seat < seats; seat++)
            Add();
    }

    /// <summary>The seats.</summary>
    public IReadOnlyList<WorkerSeat> Seats => _seats;

    /// <summary>The seats as they are.</summary>
    public IReadOnlyList<WorkerStatus> Statuses
    {
        get
        {
            long now = Stopwatch.GetTimestamp();
            return [.. _seats.Select(seat => new WorkerStatus(
                seat.Name,
                seat.Health,
                seat.Worker?.ProcessId,
                seat.SamplesBefore + (seat.Cell >= 0 ? Volatile.Read(ref _ring.Cell(seat.Cell)->Samples) : 0),
                seat.Starts,
                seat.Worker is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(seat.LastBeatAt, now)))];
        }
    }

    /// <summary>Adds a seat.</summary>
    public void Add() => _seats.Add(new WorkerSeat($"{_kind}-{_seats.Count}"));

    /// <summary>The seat whose worker has, or last had, a cell.</summary>
    public int SeatOfCell(int cell) => _seatOfCell[cell];

    /// <summary>Marks the worker of a cell as one whose sample failed; the name of its seat.</summary>
    public string MarkFailing(int cell)
    {
        if (_seats.Find(seat => seat.Cell == cell) is WorkerSeat present)
            present.IsFailing = true;
        return _seats[_seatOfCell[cell]].Name;
    }

    /// <summary>The times of all workers that ever were.</summary>
    public void AddTimesTo(StageTotals totals)
    {
        totals.Add(_former);
        foreach (WorkerSeat seat in _seats)
        {
            if (seat.Cell >= 0)
                totals.Add(_ring.Cell(seat.Cell));
        }

        foreach (AbandonedWorker abandoned in _abandoned)
            totals.Add(_ring.Cell(abandoned.Cell));
    }

    /// <summary>Finds a cell for a seat's next worker; false where stuck threads have them all.</summary>
    public bool TryReserveCell(WorkerSeat seat, out int cell)
    {
        cell = _freeCells.Count > 0 ? _freeCells[^1] : 0;
        if (cell == 0)
            return false;
        _freeCells.RemoveAt(_freeCells.Count - 1);
        _seatOfCell[cell] = _seats.FindIndex(candidate => candidate == seat);
        return true;
    }

    /// <summary>Takes a seat's worker away, with what it loaded entered into the seat's account.</summary>
    /// <param name="seat">The seat.</param>
    /// <param name="hasEnded">Whether the worker is certainly gone; else it keeps its cell until it is.</param>
    public void Empty(WorkerSeat seat, bool hasEnded)
    {
        seat.SamplesBefore += _ring.Cell(seat.Cell)->Samples;
        if (hasEnded)
        {
            seat.Worker!.Dispose();
            Free(seat.Cell);
        }
        else
        {
            _abandoned.Add(new AbandonedWorker(seat.Worker!, seat.Cell));
        }

        seat.Stuck?.Dispose();
        seat.Stuck = null;
        seat.Worker = null;
        seat.Cell = -1;
        seat.KillReason = null;
        seat.Health = WorkerHealth.Dead;
        CountAlive();
    }

    /// <summary>Frees the cells of abandoned workers that have ended meanwhile.</summary>
    public void FreeAbandoned()
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

    /// <summary>Tells the workers how many they are.</summary>
    public void CountAlive()
    {
        int alive = 0;
        foreach (WorkerSeat seat in _seats)
            alive += seat.Worker is null ? 0 : 1;
        Volatile.Write(ref _ring.Header->AliveWorkers, alive);
    }

    private void Free(int cell)
    {
        _former.Add(_ring.Cell(cell));
        new Span<byte>(_ring.Cell(cell), WorkerCell.Bytes).Clear();
        _freeCells.Add(cell);
    }
}
