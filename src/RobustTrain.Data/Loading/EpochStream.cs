using System.Collections;
using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>
/// The batches of an epoch, in order. It publishes what is wanted into the ring as slots come free, waits for the first of them,
/// and keeps the account of what was delivered. What has to be decided about failed samples is decided here.
/// </summary>
public sealed unsafe class EpochStream : IEnumerator<IBatch>
{
    private const double ChunkSeconds = 20e-6;
    private const int SpinTurns = 40;
    private const int ChunkReviewInterval = 16;

    private readonly LoaderSession _session;
    private readonly IDataset _dataset;
    private readonly LoaderOptions _options;
    private readonly Quarantine _quarantine;
    private readonly HashSet<int> _quarantined;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenRegistration _registration;
    private readonly Action<EpochStream> _closed;
    private readonly EpochPlan _plan;
    private readonly LedgerBook _ledger;
    private readonly Dictionary<(int Index, int KeyEpoch), SampleHistory> _histories = [];
    private readonly Queue<int> _published;
    private readonly int[][] _indices;
    private readonly BatchField[][] _fields;
    private readonly int[] _deliveredBySeat;
    private readonly StageTotals _before = new();
    private readonly long _opened = Stopwatch.GetTimestamp();
    private readonly int _skipLimit;
    private readonly WorkerTuner? _tuner;
    private int _deliveredInPlace;
    private int _nextToPublish;
    private int _nextToDeliver;
    private int _chunk = 1;
    private int _batches;
    private int _suspects;
    private int _failures;
    private long _waitTicks;
    private double _firstBatchSeconds;
    private long _closedAt;
    private IBatch? _current;
    private Exception? _fault;
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
        _dataset = dataset;
        _options = options;
        _quarantine = quarantine;
        // What is put into quarantine from now on counts from the next epoch, so that the stream does not depend on when it happens.
        _quarantined = [.. quarantine.Entries.Select(entry => entry.SampleIndex)];
        _stopping = stopping;
        _closed = closed;
        Epoch = epoch;
        _plan = new EpochPlan(dataset.Count, options, epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(startBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(startBatch, _plan.BatchCount);
        _nextToPublish = _nextToDeliver = startBatch;
        _ledger = new LedgerBook(epoch, former);
        // The account is read after the session has gone, and batches are asked for after the loader has.
        session.Ring.Memory.AddReference();
        int slots = session.Ring.SlotCount;
        _published = new Queue<int>(slots);
        _indices = new int[slots][];
        _fields = new BatchField[slots][];
        _deliveredBySeat = new int[session.Ring.Memory.Layout.WorkerCapacity];
        _skipLimit = options.MaxSkipped.Of((_plan.PlaceCount + options.WorldSize - 1) / options.WorldSize);
        _tuner = options.NumWorkers is null ? new WorkerTuner(Environment.ProcessorCount, TimeProvider.System) : null;
        lock (session.Gate)
        {
            session.Monitor?.AddTimesTo(_before);
            _before.Add(session.Ring.Cell(LoaderSession.ConsumerCell));
            session.Attach(this);
            if (!session.LoadsInPlace)
                Pump();
        }

        _registration = stopping.Register(static state => ((Ring)state!).Done.Raise(), session.Ring);
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
                for (int seat = 0; seat < _session.WorkerCount; seat++)
                    delivered.Add(new(_session.Monitor!.NameOfSeat(seat), _deliveredBySeat[seat]));
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
            StageTotals totals = new();
            lock (_session.Gate)
            {
                _session.Monitor?.AddTimesTo(totals);
                totals.Add(_session.Ring.Cell(LoaderSession.ConsumerCell));
            }

            totals = totals.Minus(_before);
            return new LoaderStatistics
            {
                Batches = _batches,
                Samples = totals.Samples,
                ReadSeconds = Seconds(totals[LoadStage.Read]),
                DecodeSeconds = Seconds(totals[LoadStage.Decode]),
                AugmentSeconds = Seconds(totals[LoadStage.Augment]),
                OtherSeconds = Seconds(totals[LoadStage.Other]),
                WorkerWaitSeconds = Seconds(totals.WaitTicks),
                ConsumerWaitSeconds = Seconds(_waitTicks),
                ElapsedSeconds = Seconds((_closedAt == 0 ? Stopwatch.GetTimestamp() : _closedAt) - _opened),
                FirstBatchSeconds = _firstBatchSeconds,
            };
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
                return _session.Monitor?.Statuses ?? [];
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
                    _session.Tend();
                    Pump();
                    if (_fault is not null)
                        throw _fault;
                    if (!_published.TryPeek(out head))
                        head = -1;
                    if (head < 0 && _session.AreAllHeld)
                        throw new InvalidOperationException($"All {_session.Ring.SlotCount} slots of the loader are held by batches that were not disposed; dispose a batch before asking for so many more.");
                    if (head >= 0 && _session.Ring.IsComplete(head))
                    {
                        Tune();
                        if (Deliver(head))
                            return true;
                        continue;
                    }
                }

                if (head >= 0 && _session.LoadsInPlace)
                    LoadInPlace(head);
                else
                    Wait(head, seen);
            }

            return false;
        }
        finally
        {
            _waitTicks += Stopwatch.GetTimestamp() - start;
            if (_batches == 1 && _firstBatchSeconds == 0)
                _firstBatchSeconds = Seconds(Stopwatch.GetTimestamp() - _opened);
            if (_nextToDeliver >= _plan.BatchCount && _closedAt == 0 && _current is null)
                _closedAt = Stopwatch.GetTimestamp();
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

    /// <summary>Publishes batches as long as there are free slots. Under the session's gate.</summary>
    internal void Pump()
    {
        // Without workers nothing is loaded ahead, so nothing is published ahead.
        int limit = _session.LoadsInPlace ? 1 : int.MaxValue;
        while (!_isClosed && _nextToPublish < _plan.BatchCount && _published.Count < limit && _session.TryTakeSlot(out int slot))
        {
            int count = _plan.CountOf(_nextToPublish);
            SampleTask* tasks = _session.Ring.Tasks(slot);
            for (int position = 0; position < count; position++)
            {
                (int index, int keyEpoch) = _plan[_nextToPublish, position];
                tasks[position].Index = index;
                tasks[position].KeyEpoch = keyEpoch;
                tasks[position].Attempt = 0;
            }

            ReviewChunk(count);
            _published.Enqueue(slot);
            _nextToPublish++;
            _session.Ring.Publish(slot, count, _chunk);
            SkipQuarantined(slot, count);
        }
    }

    /// <summary>Notes that a sample failed at a worker; whether it is given up. Under the session's gate.</summary>
    internal bool OnFailed(int index, int keyEpoch, string worker, string path, string message)
    {
        SampleHistory history = HistoryOf(index, keyEpoch);
        history.AddFailure(path, message);
        _session.Report(SampleEvent(LoaderEventKind.SampleFailed, index, worker, message));
        return Judge(history, index, worker, message);
    }

    /// <summary>Notes that a worker was lost with a sample; whether the sample is given up. Under the session's gate.</summary>
    internal bool OnLost(int index, int keyEpoch, string worker, string reason, bool isKill)
    {
        SampleHistory history = HistoryOf(index, keyEpoch);
        bool wasSuspect = history.IsSuspect;
        history.AddLoss($"worker {worker} {reason}", isKill);
        if (history.IsSuspect && !wasSuspect)
            _suspects++;
        return Judge(history, index, worker, $"worker {worker} {reason}");
    }

    /// <summary>Notes that a worker failed; whether there have been too many. Under the session's gate.</summary>
    internal bool CountWorkerFailure()
    {
        _failures++;
        _ledger.WorkerFailures++;
        // A sample in doubt is not brought home: whether it kills is found out by workers, within reason.
        return _failures >= _options.MaxErrors && (_suspects == 0 || _failures >= 2 * _options.MaxErrors + 2);
    }

    private static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;

    private static LoaderEvent SampleEvent(LoaderEventKind kind, int index, string sample, string worker, string message) =>
        new(kind, message) { SampleIndex = index, Sample = sample, Worker = worker.Length > 0 ? worker : null };

    private LoaderEvent SampleEvent(LoaderEventKind kind, int index, string worker, string message) =>
        SampleEvent(kind, index, _dataset.NameOf(index), worker, message);

    private SampleHistory HistoryOf(int index, int keyEpoch)
    {
        if (!_histories.TryGetValue((index, keyEpoch), out SampleHistory? history))
            _histories.Add((index, keyEpoch), history = new SampleHistory());
        return history;
    }

    private bool Judge(SampleHistory history, int index, string worker, string reason)
    {
        string name = _dataset.NameOf(index);
        if (!history.IsBad)
        {
            _ledger.Add(new LedgerEntry(LedgerAction.Retried, index, name, worker, reason));
            _session.Report(SampleEvent(LoaderEventKind.SampleRetried, index, name, worker, $"Sample {index} ({name}) is loaded again: {reason}"));
            return false;
        }

        if (history.IsSuspect)
            _suspects--;
        Condemn(history, index, name, worker);
        return true;
    }

    /// <summary>Puts a sample into quarantine.</summary>
    private void Condemn(SampleHistory history, int index, string name, string worker)
    {
        string evidence = string.Join("; then ", history.Evidence);
        _ledger.Add(new LedgerEntry(LedgerAction.Quarantined, index, name, worker, evidence));
        _session.Report(SampleEvent(LoaderEventKind.SampleQuarantined, index, name, worker, $"Sample {index} ({name}) is in quarantine: {evidence}"));
        try
        {
            _quarantine.Add(index, history.Evidence);
        }
        catch (LoaderException exception)
        {
            _fault ??= exception;
        }
    }

    /// <summary>Enters a sample that will not be delivered into the books, or ends the stream with it.</summary>
    private void Skip(int index, int keyEpoch)
    {
        string name = _dataset.NameOf(index);
        SampleHistory? history = _histories.GetValueOrDefault((index, keyEpoch));
        string reason = history is not null
            ? string.Join("; then ", history.Evidence)
            : $"it is in quarantine since {_quarantine.Find(index)?.Since:u}: {string.Join("; then ", _quarantine.Find(index)?.Evidence ?? [])}";
        if (_options.OnBadSample == BadSamplePolicy.Fail)
        {
            string path = history?.Path ?? "";
            // A sentence that names the file needs nothing added.
            throw new SampleException(
                history is not null && !history.IsSuspect ? history.Evidence[^1] : $"The sample {index} ({name}) can't be loaded: {reason}",
                path.Length > 0 ? path : name);
        }

        _ledger.Add(new LedgerEntry(LedgerAction.Skipped, index, name, "", reason));
        _session.Report(SampleEvent(LoaderEventKind.SampleSkipped, index, name, "", $"Sample {index} ({name}) is skipped: {reason}"));
        if (_ledger.Skipped <= _skipLimit)
            return;
        string[] samples = [.. _ledger.Entries.Where(entry => entry.Action == LedgerAction.Skipped).Select(entry => entry.Sample)];
        const int named = 20;
        string list = string.Join(", ", samples.Take(named)) + (samples.Length > named ? $" and {samples.Length - named} more" : "");
        throw new SkipBudgetException($"{samples.Length} samples of epoch {Epoch} can't be loaded, more than the {_skipLimit} that may be skipped (max_skipped is {_options.MaxSkipped}): {list}.", samples);
    }

    private void SkipQuarantined(int slot, int count)
    {
        if (_quarantined.Count == 0)
            return;
        SampleTask* tasks = _session.Ring.Tasks(slot);
        for (int position = 0; position < count; position++)
        {
            // A worker may have been quicker; then the sample is loaded, and dropped at delivery.
            if (_quarantined.Contains(tasks[position].Index))
                Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Skipped, TaskStatus.Pending);
        }
    }

    /// <summary>Cheap samples are taken many at a time, so that taking them does not cost more than loading them.</summary>
    private void ReviewChunk(int count)
    {
        if (_session.LoadsInPlace || _batches % ChunkReviewInterval != 0)
            return;
        StageTotals totals = new();
        _session.Monitor!.AddTimesTo(totals);
        totals = totals.Minus(_before);
        if (totals.Samples == 0)
            return;
        double each = Math.Max(Seconds(totals.LoadTicks) / totals.Samples, 1e-9);
        int fair = Math.Max(1, count / Math.Max(1, _session.WorkerCount));
        _chunk = (int)Math.Clamp(ChunkSeconds / each, 1, fair);
    }

    private void Tune()
    {
        if (_tuner is null || _session.LoadsInPlace || _tuner.WhyOneMore(_session.WorkerCount, _waitTicks) is not string reason)
            return;
        _session.Monitor!.AddSeat();
        _session.Report(new LoaderEvent(LoaderEventKind.WorkersChosen, $"{_session.WorkerCount} workers load now: {reason}."));
    }

    private void LoadInPlace(int slot)
    {
        int count = _session.Ring.Control(slot)->Count;
        SampleTask* tasks = _session.Ring.Tasks(slot);
        for (int position = 0; position < count; position++)
        {
            _stopping.ThrowIfCancellationRequested();
            SampleTask* task = &tasks[position];
            if (!_session.Ring.TryClaim(task, LoaderSession.ConsumerCell))
                continue;
            lock (_session.Gate)
            {
                SampleHistory? history = _histories.GetValueOrDefault((task->Index, task->KeyEpoch));
                if (history is { IsSuspect: true, IsBad: false })
                {
                    // Workers died with it, and no worker is left to find out whether it was to blame.
                    _suspects--;
                    Condemn(history, task->Index, _dataset.NameOf(task->Index), "trainer");
                    Volatile.Write(ref task->Status, TaskStatus.Skipped);
                    continue;
                }
            }

            SampleException? failure = _session.InPlace.LoadInPlace(slot, position);
            if (failure is null)
                continue;
            lock (_session.Gate)
            {
                bool bad = OnFailed(task->Index, task->KeyEpoch, "trainer", failure.Path, failure.Message);
                task->Attempt++;
                Volatile.Write(ref task->Status, bad ? TaskStatus.Skipped : TaskStatus.Pending);
            }
        }
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
        int[] indices = _indices[slot] ??= new int[_plan.BatchSize];
        int delivered = 0;
        for (int position = 0; position < count; position++)
        {
            SampleTask* task = &tasks[position];
            if (!TaskStatus.IsDone(task->Status, out int worker) || (_quarantined.Count > 0 && _quarantined.Contains(task->Index)))
            {
                Skip(task->Index, task->KeyEpoch);
                continue;
            }

            if (_suspects > 0 && task->Attempt > 0 && _histories.GetValueOrDefault((task->Index, task->KeyEpoch)) is { IsSuspect: true })
                _suspects--;
            if (delivered != position)
                Move(slot, position, delivered);
            indices[delivered++] = task->Index;
            if (worker == LoaderSession.ConsumerCell)
                _deliveredInPlace++;
            else
                _deliveredBySeat[_session.Monitor!.SeatOfCell(worker)]++;
        }

        _published.Dequeue();
        _session.Ring.Advance();
        int batch = _nextToDeliver++;
        _batches++;
        _ledger.Deliver(indices.AsSpan(0, delivered));
        _session.Hold(slot);
        if (delivered == 0)
        {
            _session.Free(slot);
            return false;
        }

        _current = new SlotBatch(_session, slot, Epoch, batch, new ArraySegment<int>(indices, 0, delivered), FieldsOf(slot, delivered));
        return true;
    }

    private void Move(int slot, int from, int to)
    {
        byte* data = _session.Ring.Data(slot);
        foreach (FieldPlacement placement in _session.Ring.Slots.Placements)
        {
            byte* field = data + placement.Offset;
            Buffer.MemoryCopy(field + ((long)from * placement.SampleBytes), field + ((long)to * placement.SampleBytes), placement.SampleBytes, placement.SampleBytes);
        }
    }

    /// <summary>The fields of a slot, made anew only where the number of samples or the memory has changed.</summary>
    private BatchField[] FieldsOf(int slot, int count)
    {
        nint data = (nint)_session.Ring.Data(slot);
        SlotLayout layout = _session.Ring.Slots;
        BatchField[]? fields = _fields[slot];
        if (fields is not null && fields[0].Shape[0] == count && fields[0].Address == data + (nint)layout.Placements[0].Offset)
            return fields;
        fields = new BatchField[layout.Fields.Count];
        for (int field = 0; field < fields.Length; field++)
        {
            FieldSpec spec = layout.Fields[field];
            long[] shape = [count, .. spec.Shape.Select(size => (long)size)];
            fields[field] = new BatchField(spec.Name, spec.Type, shape, data + (nint)layout.Placements[field].Offset);
        }

        return _fields[slot] = fields;
    }
}
