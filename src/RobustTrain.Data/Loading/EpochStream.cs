using System.Collections;
using System.Diagnostics;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>
/// The batches of an epoch, in order. It publishes what is wanted into the ring as slots come free, waits for the first of them,
/// and keeps the account of what was delivered.
/// </summary>
public sealed unsafe class EpochStream : IEnumerator<IBatch>
{
    private const int SpinTurns = 40;

    private readonly LoaderSession _session;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenRegistration _registration;
    private readonly Action<EpochStream> _closed;
    private readonly EpochPlan _plan;
    private readonly LedgerBook _ledger;
    private readonly SampleFailurePolicy _policy;
    private readonly InPlaceLoading _inPlace;
    private readonly SlotFields _fields;
    private readonly WorkerTuner? _tuner;
    private readonly int[]?[] _indices;
    private readonly int[] _deliveredBySlot;
    private readonly bool _comesEmpty;
    private readonly LoaderStatistics _before;
    private readonly long _openedAt = Stopwatch.GetTimestamp();
    private int _deliveredInPlace;
    private int _nextToPublish;
    private int _nextToDeliver;
    private int _batches;
    private long _waitTicks;
    private long _sampleTicks;
    private long _firstBatchTicks;
    private long _closedAt;
    private IBatch? _current;
    private bool _isClosed;
    private EpochLedger? _finalLedger;
    private LoaderStatistics? _finalStatistics;
    private IReadOnlyList<WorkerStatus>? _finalWorkers;

    internal EpochStream(
        LoaderSession session,
        IDataset dataset,
        LoaderOptions options,
        Quarantine quarantine,
        int epoch,
        int startBatch,
        EpochLedger? former,
        Action<EpochStream> closed,
        CancellationToken stopping)
    {
        _session = session;
        _stopping = stopping;
        _closed = closed;
        Epoch = epoch;
        _plan = new EpochPlan(dataset.Count, options, epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(startBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(startBatch, _plan.BatchCount);
        _nextToPublish = _nextToDeliver = startBatch;
        _comesEmpty = options.WorldSize > 1 && options.RankShare == RankShare.Positions;
        _ledger = new LedgerBook(epoch, former);
        _policy = new SampleFailurePolicy(dataset, options, quarantine, _ledger, _plan, epoch, session.Recovery.Report);
        // The account is read after the session has gone, and batches are asked for after the loader has.
        session.Ring.Memory.AddReference();
        _indices = new int[session.Ring.SlotCount][];
        _fields = new SlotFields(session.Ring);
        IsolatedRetry retry = new(session.Ring, session.LoadingBy(FaultyWorker.Thread), options.Timeout);
        _inPlace = new InPlaceLoading(session.Gate, session.Ring, session.LoadingBy(FaultyWorker.Consumer), retry, _policy, stopping);
        _deliveredBySlot = new int[session.Ring.Memory.Layout.WorkerCapacity];
        _tuner = options.NumWorkers is null ? new WorkerTuner(Environment.ProcessorCount, TimeProvider.System) : null;
        lock (session.Gate)
        {
            _before = session.Pool.Total;
            session.Attach(this, _policy);
            if (!session.LoadsInPlace)
                Publish();
        }

        _registration = stopping.Register(static state => ((SampleRing)state!).Done.Raise(), session.Ring);
    }

    /// <summary>The epoch, from 0.</summary>
    public int Epoch { get; }

    /// <inheritdoc/>
    public IBatch Current => _current ?? throw new InvalidOperationException("There is no batch before the first or after the last MoveNext.");

    object IEnumerator.Current => Current;

    /// <summary>The account so far.</summary>
    public EpochLedger Ledger
    {
        get
        {
            if (_finalLedger is not null)
                return _finalLedger;
            lock (_session.Gate)
            {
                List<KeyValuePair<string, int>> delivered = [new("trainer", _deliveredInPlace)];
                for (int slot = 0; slot < _session.Pool.Slots.Count; slot++)
                    delivered.Add(new(_session.Pool.Slots[slot].Name, _deliveredBySlot[slot]));
                return _ledger.Close(delivered);
            }
        }
    }

    /// <summary>Where the time went so far.</summary>
    public LoaderStatistics Statistics
    {
        get
        {
            if (_finalStatistics is not null)
                return _finalStatistics;
            lock (_session.Gate)
                return ReadStatistics();
        }
    }

    /// <summary>The workers as they are.</summary>
    public IReadOnlyList<WorkerStatus> Workers
    {
        get
        {
            if (_finalWorkers is not null)
                return _finalWorkers;
            lock (_session.Gate)
                return _session.Pool.Statuses;
        }
    }

    /// <summary>Goes to the next batch, which may mean waiting for it.</summary>
    /// <exception cref="SampleException">A sample can't be loaded, and may not be skipped.</exception>
    /// <exception cref="SkipBudgetException">More samples can't be loaded than may be skipped.</exception>
    /// <exception cref="OperationCanceledException">The stream was to stop.</exception>
    /// <exception cref="InvalidOperationException">Every slot of the ring is in a batch that was not disposed.</exception>
    public bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_isClosed && _nextToDeliver < _plan.BatchCount, this);
        _current = null;
        long start = Stopwatch.GetTimestamp();
        try
        {
            while (_nextToDeliver < _plan.BatchCount)
            {
                _stopping.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(_session.IsDisposed, typeof(PrefetchLoader));
                int seen = _session.Ring.Done.Value;
                int head;
                lock (_session.Gate)
                {
                    _session.Recovery.Tend();
                    _session.Recovery.ThrowObserverFailure();
                    Publish();
                    head = _session.Ring.FirstSlot;
                    if (head < 0 && _session.Slots.AreAllHeld)
                        throw new InvalidOperationException($"All {_session.Ring.SlotCount} slots of the loader are held by batches that were not disposed; dispose a batch before asking for so many more.");
                    if (head >= 0 && _session.Ring.IsComplete(head))
                    {
                        Tune();
                        if (Deliver(head))
                            return true;
                        continue;
                    }
                }

                long before = Stopwatch.GetTimestamp();
                if (head >= 0 && _session.LoadsInPlace)
                    _inPlace.Load(head);
                else
                    Wait(head, seen);
                _sampleTicks += Stopwatch.GetTimestamp() - before;
            }

            return false;
        }
        finally
        {
            long now = Stopwatch.GetTimestamp();
            _waitTicks += now - start;
            if (_batches == 1 && _firstBatchTicks == 0)
                _firstBatchTicks = now - _openedAt;
            if (_nextToDeliver >= _plan.BatchCount && _current is null && _closedAt == 0)
                _closedAt = now;
        }
    }

    /// <summary>Not supported: open another stream.</summary>
    public void Reset() => throw new NotSupportedException("A stream goes one way; open another.");

    /// <summary>Leaves the epoch, at any moment; batches in the consumer's hands stay valid until they are disposed.</summary>
    public void Dispose()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        if (_closedAt == 0)
            _closedAt = Stopwatch.GetTimestamp();
        _registration.Dispose();
        _session.Detach();
        (_finalLedger, _finalStatistics, _finalWorkers) = (Ledger, Statistics, Workers);
        _closed(this);
        _session.Ring.Memory.Release();
    }

    /// <summary>Publishes batches, in order, as long as there are free slots. Under the session's gate.</summary>
    internal void Publish()
    {
        // Without workers nothing is loaded ahead, so nothing is published ahead.
        int most = _session.LoadsInPlace ? 1 : int.MaxValue;
        while (!_isClosed && _nextToPublish < _plan.BatchCount && _session.Ring.PublishedCount < most && _session.Slots.TryTake(out int slot))
        {
            int count = _plan.CountOf(_nextToPublish);
            SampleTask* tasks = _session.Ring.Tasks(slot);
            for (int position = 0; position < count; position++)
            {
                (int index, int keyEpoch) = _plan[_nextToPublish, position];
                (tasks[position].Index, tasks[position].KeyEpoch) = (index, keyEpoch);
                tasks[position].Attempt = _policy.IsQuarantined(index) ? SampleTask.NotToBeTried : 0;
            }

            _nextToPublish++;
            _session.Ring.Publish(slot, count);
        }
    }

    private void Tune()
    {
        if (_tuner is null || _session.LoadsInPlace || _tuner.WhyOneMore(_session.Pool.Slots.Count, _waitTicks) is not string reason)
            return;
        _session.Monitor!.Add();
        _session.Recovery.Report(new LoaderEvent(LoaderEventKind.WorkersChosen, $"{Counted.Of(_session.Pool.Slots.Count, "worker loads", "workers load")} now: {reason}."));
    }

    private LoaderStatistics ReadStatistics() => _session.Pool.Total.Since(_before) with
    {
        Workers = _session.Pool.Slots.Count,
        Batches = _batches,
        ConsumerWaitSeconds = LoaderStatistics.Seconds(_waitTicks),
        HandOverSeconds = LoaderStatistics.Seconds(_waitTicks - _sampleTicks),
        ElapsedSeconds = LoaderStatistics.Seconds((_closedAt == 0 ? Stopwatch.GetTimestamp() : _closedAt) - _openedAt),
        FirstBatchSeconds = LoaderStatistics.Seconds(_firstBatchTicks),
    };

    /// <summary>Enters so many samples into the account of a worker, by its number.</summary>
    private void CountDelivered(int worker, int samples)
    {
        if (worker == SampleRing.Consumer)
            _deliveredInPlace += samples;
        else
            _deliveredBySlot[_session.Pool.SlotOf(worker)] += samples;
    }

    private void Wait(int head, int seen)
    {
        for (int turn = 0; turn < SpinTurns; turn++)
        {
            if (_session.Ring.Done.Value != seen || (head >= 0 && _session.Ring.IsComplete(head)))
                return;
            Thread.SpinWait(20);
        }

        _session.Ring.Done.Wait(seen, 100);
    }

    /// <summary>Makes the first published slot the current batch; false where none of its samples is left.</summary>
    private bool Deliver(int slot)
    {
        SampleTask* tasks = _session.Ring.Tasks(slot);
        int count = _session.Ring.Control(slot)->Count;
        // The slot's former indices may be what was delivered last.
        _ledger.Settle();
        int[] indices = _indices[slot] is int[] kept && kept.Length == count ? kept : _indices[slot] = new int[count];
        int delivered = 0;
        int last = SampleRing.Consumer;
        int counted = 0;
        int[]? places = null;
        for (int position = 0; position < count; position++)
        {
            SampleTask* task = &tasks[position];
            if (!SampleStatus.IsDone(task->Status, out int worker))
            {
                _policy.Skip(task->Index, task->KeyEpoch, _nextToDeliver);
                places ??= [.. Enumerable.Range(0, count)];
                continue;
            }

            if (task->Attempt > 0)
                _policy.OnDelivered(task->Index, task->KeyEpoch);
            if (delivered != position)
                _fields.Move(slot, position, delivered);
            places?[delivered] = position;
            indices[delivered++] = task->Index;
            if (worker != last)
            {
                CountDelivered(last, delivered - 1 - counted);
                (last, counted) = (worker, delivered - 1);
            }
        }

        CountDelivered(last, delivered - counted);
        _session.Ring.Advance();
        int batch = _nextToDeliver++;
        _batches++;
        _ledger.Deliver(indices, delivered);
        _session.Slots[slot] = SlotState.Held;
        // Other ranks may have samples of it.
        if (delivered == 0 && !_comesEmpty)
        {
            _session.Free(slot);
            return false;
        }

        _current = new SlotBatch(_session, slot, batch, delivered == count ? indices : indices[..delivered], _fields.Of(slot, delivered), _plan.FirstOf(batch), places);
        return true;
    }
}
