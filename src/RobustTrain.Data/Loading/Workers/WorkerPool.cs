using System.Diagnostics;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Data.Loading.Workers;

/// <summary>
/// The slots of the workers and the heartbeats that their workers have in the ring's memory. A slot outlives its workers; a heartbeat
/// belongs to one worker until it has ended, which for a stuck thread may be long after its slot was given to another. Everything happens
/// under the session's gate.
/// </summary>
internal sealed unsafe class WorkerPool
{
    private readonly SampleRing _ring;
    private readonly string _kind;
    private readonly List<WorkerSlot> _slots = [];
    private readonly Stack<int> _freeNumbers = [];
    private readonly int[] _slotOfNumber;
    private readonly List<(IWorker Worker, int Number)> _abandoned = [];
    private LoaderStatistics _former = new();

    public WorkerPool(SampleRing ring, string kind, int slots)
    {
        _ring = ring;
        _kind = kind;
        int capacity = ring.Memory.Layout.WorkerCapacity;
        for (int number = capacity - 1; number > SampleRing.Consumer; number--)
            _freeNumbers.Push(number);
        _slotOfNumber = new int[capacity];
        for (int slot = 0; slot < slots; slot++)
            Add();
    }

    /// <summary>The slots.</summary>
    public IReadOnlyList<WorkerSlot> Slots => _slots;

    /// <summary>The slots as they are.</summary>
    public IReadOnlyList<WorkerStatus> Statuses
    {
        get
        {
            long now = Stopwatch.GetTimestamp();
            return [.. _slots.Select(slot => new WorkerStatus(
                slot.Name,
                slot.Health,
                slot.Worker?.ProcessId,
                slot.SamplesBefore + (slot.Worker is null ? 0 : Volatile.Read(ref _ring.Heartbeat(slot.Number)->Samples)),
                slot.Starts,
                slot.Worker is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(slot.LastBeatAt, now)))];
        }
    }

    /// <summary>What all workers that ever were have loaded, and the consumer's own thread.</summary>
    public LoaderStatistics Total
    {
        get
        {
            LoaderStatistics total = _former.Plus(LoaderStatistics.Of(_ring.Heartbeat(SampleRing.Consumer)));
            foreach (WorkerSlot slot in _slots.Where(slot => slot.Worker is not null))
                total = total.Plus(LoaderStatistics.Of(_ring.Heartbeat(slot.Number)));
            foreach ((_, int number) in _abandoned)
                total = total.Plus(LoaderStatistics.Of(_ring.Heartbeat(number)));
            return total;
        }
    }

    /// <summary>Adds a slot.</summary>
    public void Add() => _slots.Add(new WorkerSlot($"{_kind}-{_slots.Count}"));

    /// <summary>The slot whose worker has, or last had, a number.</summary>
    public int SlotOf(int number) => _slotOfNumber[number];

    /// <summary>Marks a worker as one whose sample failed; the name of its slot.</summary>
    public string MarkFailing(int number)
    {
        if (_slots.Find(slot => slot.Worker is not null && slot.Number == number) is WorkerSlot present)
            present.IsFailing = true;
        return _slots[_slotOfNumber[number]].Name;
    }

    /// <summary>Finds a number for a slot's next worker; false where stuck threads have them all.</summary>
    public bool TryReserve(WorkerSlot slot, out int number)
    {
        if (!_freeNumbers.TryPop(out number))
            return false;
        _slotOfNumber[number] = _slots.IndexOf(slot);
        return true;
    }

    /// <summary>Gives a slot to a worker that has been started.</summary>
    public void Fill(WorkerSlot slot, IWorker worker, int number)
    {
        slot.Take(worker, number, Stopwatch.GetTimestamp());
        CountAlive();
    }

    /// <summary>Takes a number back whose worker could not be started.</summary>
    public void Return(int number) => _freeNumbers.Push(number);

    /// <summary>Takes a slot's worker away, with what it loaded entered into the slot's account.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="hasEnded">Whether the worker is certainly gone; else it keeps its heartbeat until it is.</param>
    public void Empty(WorkerSlot slot, bool hasEnded)
    {
        IWorker worker = slot.Worker!;
        slot.Leave(_ring.Heartbeat(slot.Number)->Samples);
        if (hasEnded)
            End(worker, slot.Number);
        else
            _abandoned.Add((worker, slot.Number));
        CountAlive();
    }

    /// <summary>Frees the heartbeats of abandoned workers that have ended meanwhile.</summary>
    public void FreeAbandoned()
    {
        for (int place = _abandoned.Count - 1; place >= 0; place--)
        {
            (IWorker worker, int number) = _abandoned[place];
            if (worker.Exit is null)
                continue;
            End(worker, number);
            _abandoned.RemoveAt(place);
        }
    }

    // Tells the workers how many they are.
    private void CountAlive() => Volatile.Write(ref _ring.Header->AliveWorkers, _slots.Count(slot => slot.Worker is not null));

    private void End(IWorker worker, int number)
    {
        worker.Dispose();
        _former = _former.Plus(LoaderStatistics.Of(_ring.Heartbeat(number)));
        new Span<byte>(_ring.Heartbeat(number), Heartbeat.Bytes).Clear();
        _freeNumbers.Push(number);
    }
}

/// <summary>A worker's slot as its monitor sees it.</summary>
/// <param name="Name">The slot's name, as in <c>process-1</c>.</param>
/// <param name="Health">How the worker is.</param>
/// <param name="ProcessId">Its process; null for a thread, or while there is none.</param>
/// <param name="Samples">The samples that the slot has loaded.</param>
/// <param name="Starts">How often a worker was started for the slot.</param>
/// <param name="SilentFor">How long its heartbeat has stood still.</param>
public sealed record WorkerStatus(string Name, WorkerHealth Health, int? ProcessId, long Samples, int Starts, TimeSpan SilentFor);

/// <summary>How a worker is.</summary>
public enum WorkerHealth
{
    /// <summary>It comes up.</summary>
    Starting,

    /// <summary>It works, or waits for work.</summary>
    Alive,

    /// <summary>It works, but its last samples could not be loaded.</summary>
    Failing,

    /// <summary>It stands still for longer than the timeout.</summary>
    Stuck,

    /// <summary>It is gone; another will take its slot.</summary>
    Dead,
}
