namespace RobustTrain.Data.Loading;

/// <summary>
/// A ring with its workers, used by one stream at a time. Everything here happens under <see cref="Gate"/>, by the consumer's thread
/// or by the monitor's; the workers themselves never need it.
/// </summary>
internal sealed unsafe class LoaderSession : IWorkerLossHandler, IDisposable
{
    /// <summary>The cell of the consumer's own thread.</summary>
    public const int ConsumerCell = 0;

    // Cells for workers that replace stuck threads, which keep theirs until they come back.
    private const int SpareCells = 16;

    private readonly IDataset _dataset;
    private readonly LoaderOptions _options;
    private readonly WorkerHealthMonitor? _monitor;
    private readonly SlotUse[] _uses;
    private readonly List<(int Slot, int Position, IWorker Worker, string Name, string? Reason)> _takenAway = [];
    private EpochStream? _stream;
    private bool _disposed;

    /// <summary>Makes the ring and starts the workers.</summary>
    /// <param name="dataset">The data set.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="slots">The layout of a slot.</param>
    /// <param name="workers">How many workers at first; 0 for none ever.</param>
    /// <param name="mostWorkers">How many there may become.</param>
    /// <exception cref="LoaderException">The ring does not fit into memory, or workers of this kind can't be had.</exception>
    public LoaderSession(IDataset dataset, LoaderOptions options, SlotLayout slots, int workers, int mostWorkers)
    {
        _dataset = dataset;
        _options = options;
        int cells = 1 + (mostWorkers == 0 ? 0 : mostWorkers + SpareCells);
        RingLayout layout = new(options.PrefetchQueueLength + 1, options.BatchSize, cells, slots.Bytes);
        bool processes = options.WorkerKind == WorkerKind.Process && workers > 0;
        WorkerCommand? command = processes ? options.WorkerCommand ?? WorkerCommand.Find() : null;
        CheckMemory(layout, processes ? "shared memory" : "memory");
        RingMemory memory = processes ? new SharedRingMemory(layout) : Allocate(layout);
        Ring = new Ring(memory, slots, processes);
        int idle = (int)Math.Clamp(Math.Min(options.HealthCheckInterval.TotalMilliseconds, options.Timeout.TotalMilliseconds) / 4, 1, 1000);
        Ring.Initialize(options.Seed, idle);
        _uses = new SlotUse[layout.SlotCount];
        FaultInjector? faults = options.Faults is null ? null : new FaultInjector(options.Faults, options.Seed, FaultyWorker.Consumer);
        InPlace = new WorkerLoop(Ring, dataset, ConsumerCell, faults);
        if (workers == 0)
            return;
        IWorkerFactory factory = processes
            ? new ProcessWorkerFactory((SharedRingMemory)memory, ((IPortableDataset)dataset).Description, options.Faults, command!)
            : new ThreadWorkerFactory(Ring, dataset, options.Faults, options.Seed);
        _monitor = new WorkerHealthMonitor(Gate, Ring, factory, this, workers, options);
    }

    public object Gate { get; } = new();

    public Ring Ring { get; }

    /// <summary>Loads in the consumer's thread.</summary>
    public WorkerLoop InPlace { get; }

    /// <summary>Whether the consumer's thread does the loading, because there are no workers or no more of them.</summary>
    public bool LoadsInPlace => _monitor is null || HasFallenBack;

    public bool HasFallenBack { get; private set; }

    public bool IsDisposed
    {
        get
        {
            lock (Gate)
                return _disposed;
        }
    }

    public WorkerHealthMonitor? Monitor => _monitor;

    public int WorkerCount => _monitor?.SeatCount ?? 0;

    /// <summary>Lends the session to a stream.</summary>
    public void Attach(EpochStream stream)
    {
        lock (Gate)
        {
            _stream = stream;
            // Workers start with somebody to count their failures.
            _monitor?.Start();
        }
    }

    /// <summary>Takes the session back from a stream; what workers still have is dropped when they are done with it.</summary>
    public void Detach()
    {
        lock (Gate)
        {
            _stream = null;
            while (Ring.Header->Head < Ring.Header->Published)
                Ring.Advance();
            for (int slot = 0; slot < _uses.Length; slot++)
            {
                if (_uses[slot] != SlotUse.Published)
                    continue;
                _uses[slot] = SlotUse.Draining;
                CancelPending(slot);
            }
        }
    }

    /// <summary>Finds a free slot.</summary>
    public bool TryTakeSlot(out int slot)
    {
        for (slot = 0; slot < _uses.Length; slot++)
        {
            if (_uses[slot] == SlotUse.Draining && IsDrained(slot))
                _uses[slot] = SlotUse.Free;
            if (_uses[slot] == SlotUse.Free)
            {
                _uses[slot] = SlotUse.Published;
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the consumer has every slot, so that waiting for one would be for ever.</summary>
    public bool AreAllHeld => Array.TrueForAll(_uses, use => use == SlotUse.Held);

    public void Hold(int slot) => _uses[slot] = SlotUse.Held;

    /// <summary>Gives a slot back.</summary>
    public void Free(int slot)
    {
        lock (Gate)
        {
            _uses[slot] = SlotUse.Free;
            if (!_disposed)
                _stream?.Pump();
        }
    }

    public void Tend()
    {
        ReadMails();
        ReplaceMemory();
    }

    public void TakeBack(int cell, string worker, string? reason, bool isKill)
    {
        ReadMails();
        for (int slot = 0; slot < _uses.Length; slot++)
        {
            if (_uses[slot] is not (SlotUse.Published or SlotUse.Draining))
                continue;
            int claimed = TaskStatus.Claimed(cell);
            SampleTask* tasks = Ring.Tasks(slot);
            int count = Ring.Control(slot)->Count;
            for (int position = 0; position < count; position++)
            {
                if (Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Held, claimed) == claimed)
                    Decide(slot, position, worker, reason, isKill);
            }

            Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        }

        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    public void TakeAway(int cell, IWorker abandoned, string worker, string? reason)
    {
        ReadMails();
        for (int slot = 0; slot < _uses.Length; slot++)
        {
            if (_uses[slot] is not (SlotUse.Published or SlotUse.Draining))
                continue;
            int claimed = TaskStatus.Claimed(cell);
            SampleTask* tasks = Ring.Tasks(slot);
            int count = Ring.Control(slot)->Count;
            for (int position = 0; position < count; position++)
            {
                if (Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Held, claimed) == claimed)
                    _takenAway.Add((slot, position, abandoned, worker, reason));
            }

            Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        }

        ReplaceMemory();
        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    public bool CountFailure(LoaderEvent loaderEvent)
    {
        Report(loaderEvent);
        if (_stream is null || HasFallenBack || !_stream.CountWorkerFailure())
            return false;
        FallBack($"{_options.MaxErrors} workers have failed in this epoch");
        return true;
    }

    public void FallBack(string reason)
    {
        if (HasFallenBack)
            return;
        HasFallenBack = true;
        Report(new LoaderEvent(LoaderEventKind.FellBack, $"The rest of the epoch is loaded in the trainer's own process, in the same order: {reason}."));
        Ring.Done.Raise();
    }

    public void Report(LoaderEvent loaderEvent) => _options.Observer?.Invoke(loaderEvent with { Epoch = loaderEvent.Epoch ?? _stream?.Epoch });

    public string NameOf(int sampleIndex) => sampleIndex >= 0 && sampleIndex < _dataset.Count ? _dataset.NameOf(sampleIndex) : $"{sampleIndex}";

    public void Dispose()
    {
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _stream = null;
        }

        Ring.Stop();
        _monitor?.Dispose();
        Ring.Memory.Release();
    }

    private static NativeRingMemory Allocate(RingLayout layout)
    {
        try
        {
            return new NativeRingMemory(layout);
        }
        catch (OutOfMemoryException exception)
        {
            throw TooLarge(layout, "memory", exception.Message, exception);
        }
    }

    private static void CheckMemory(RingLayout layout, string where)
    {
        long available = HostMemory.AvailableBytes();
        if (layout.TotalBytes > available)
            throw TooLarge(layout, where, $"{available / 1048576.0:F0} MiB are available", null);
    }

    private static LoaderException TooLarge(RingLayout layout, string where, string reason, Exception? cause) => new(
        $"The loader's ring of {layout.SlotCount} slots of {layout.SlotBytes / 1048576.0:F1} MiB does not fit into {where}: {reason}; a shorter prefetch queue or a smaller batch needs less.",
        cause);

    private bool IsDrained(int slot)
    {
        CancelPending(slot);
        return !Ring.IsInHands(slot) && _takenAway.TrueForAll(taken => taken.Slot != slot);
    }

    /// <summary>Cancels what no worker has.</summary>
    private void CancelPending(int slot)
    {
        SampleTask* tasks = Ring.Tasks(slot);
        int count = Ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (!TaskStatus.IsFinal(status) && !TaskStatus.IsClaimed(status, out _) && status != TaskStatus.Held)
                Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Cancelled, status);
        }
    }

    private void ReadMails()
    {
        int cells = Ring.Memory.Layout.WorkerCapacity;
        for (int cell = 1; cell < cells; cell++)
        {
            for (int box = 0; box < WorkerCell.MailCount; box++)
            {
                FailureMail* mail = WorkerCell.Mail(Ring.Cell(cell), box);
                if (Volatile.Read(ref mail->IsFull) != 0)
                    ReadMail(cell, mail);
            }
        }
    }

    private void ReadMail(int cell, FailureMail* mail)
    {
        SampleTask* task = &Ring.Tasks(mail->Slot)[mail->Position];
        int status = Volatile.Read(ref task->Status);
        // The letter is written before the state is; it is read again when both are there.
        if (status == TaskStatus.Claimed(cell))
            return;
        if (status == TaskStatus.Failed(cell))
        {
            (string path, string message) = mail->Read();
            _monitor!.MarkFailing(cell);
            string worker = _monitor.NameOfSeat(_monitor.SeatOfCell(cell));
            if (_stream is not null && _uses[mail->Slot] == SlotUse.Published)
            {
                int decided = _stream.OnFailed(task->Index, task->KeyEpoch, worker, path, message) ? TaskStatus.Skipped : TaskStatus.RetryNotBy(cell);
                task->Attempt++;
                Settle(mail->Slot, mail->Position, decided);
            }
            else
            {
                Volatile.Write(ref task->Status, TaskStatus.Cancelled);
            }
        }

        Volatile.Write(ref mail->IsFull, 0);
        Ring.Work.Raise();
    }

    /// <summary>Says what becomes of a sample whose worker is lost; its state is held.</summary>
    private void Decide(int slot, int position, string worker, string? reason, bool isKill)
    {
        SampleTask* task = &Ring.Tasks(slot)[position];
        if (_stream is null || _uses[slot] != SlotUse.Published)
        {
            Volatile.Write(ref task->Status, TaskStatus.Cancelled);
            return;
        }

        bool bad = reason is not null && _stream.OnLost(task->Index, task->KeyEpoch, worker, reason, isKill);
        if (reason is not null)
            task->Attempt++;
        Settle(slot, position, bad ? TaskStatus.Skipped : TaskStatus.Pending);
    }

    private void Settle(int slot, int position, int status)
    {
        Volatile.Write(ref Ring.Tasks(slot)[position].Status, status);
        Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        Ring.Work.Raise();
        Ring.Done.Raise();
    }

    /// <summary>
    /// Gives slots that an abandoned thread may still write to new memory, as soon as nobody else writes there:
    /// what is pending is held back meanwhile, what others have is awaited.
    /// </summary>
    private void ReplaceMemory()
    {
        while (_takenAway.Count > 0)
        {
            int slot = -1;
            foreach ((int candidate, _, _, _, _) in _takenAway)
            {
                if (HoldPending(candidate))
                    slot = candidate;
            }

            if (slot < 0)
                return;
            NativeRingMemory memory = (NativeRingMemory)Ring.Memory;
            nint old = memory.Replace(slot);
            bool left = false;
            foreach ((int takenSlot, int position, IWorker worker, string name, string? reason) in _takenAway.ToArray())
            {
                if (takenSlot != slot)
                    continue;
                if (!left)
                {
                    // Several may write to the block; it is enough that it lives as long as the one that lives longest.
                    left = true;
                    BequeathToAll(slot, old);
                }

                Decide(slot, position, name, reason, isKill: false);
            }

            _takenAway.RemoveAll(taken => taken.Slot == slot);
            ReleaseHeld(slot);
        }
    }

    private void BequeathToAll(int slot, nint block)
    {
        IWorker[] heirs = [.. _takenAway.Where(taken => taken.Slot == slot).Select(taken => taken.Worker).Distinct()];
        SharedBlock shared = new(block, heirs.Length);
        foreach (IWorker heir in heirs)
            heir.Bequeath(shared);
    }

    /// <summary>Holds back what is pending in a slot; whether no worker has any of it.</summary>
    private bool HoldPending(int slot)
    {
        SampleTask* tasks = Ring.Tasks(slot);
        int count = Ring.Control(slot)->Count;
        for (int position = 0; position < count; position++)
        {
            int status = Volatile.Read(ref tasks[position].Status);
            if (status == TaskStatus.Pending || TaskStatus.IsRetry(status, out _))
                Interlocked.CompareExchange(ref tasks[position].Status, TaskStatus.Held, status);
        }

        return !Ring.IsInHands(slot);
    }

    private void ReleaseHeld(int slot)
    {
        SampleTask* tasks = Ring.Tasks(slot);
        int count = Ring.Control(slot)->Count;
        int released = _uses[slot] == SlotUse.Published ? TaskStatus.Pending : TaskStatus.Cancelled;
        for (int position = 0; position < count; position++)
            Interlocked.CompareExchange(ref tasks[position].Status, released, TaskStatus.Held);
        Volatile.Write(ref Ring.Control(slot)->Rescan, 1);
        Ring.Work.Raise();
        Ring.Done.Raise();
    }
}
