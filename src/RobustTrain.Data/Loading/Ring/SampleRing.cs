namespace RobustTrain.Data.Loading.Ring;

/// <summary>
/// A bounded ring of slots, one batch each. The consumer publishes what is wanted, workers claim samples and decode them into the slot,
/// the consumer takes whole batches in order. No lock is held anywhere: every change of hands is one compare-and-swap,
/// so a worker may be killed at any instruction and leaves at most one sample in doubt, whose state names the worker.
/// </summary>
internal sealed unsafe class SampleRing
{
    /// <summary>The worker's number of the consumer's own thread.</summary>
    public const int Consumer = 0;

    private const int PartsOfBatch = 16;

    private readonly RingHeader* _header;
    private readonly int* _queue;
    private readonly byte* _base;
    private readonly RingLayout _layout;
    private volatile bool _hasStopped;

    public SampleRing(RingMemory memory, SlotLayout slots)
    {
        Memory = memory;
        Slots = slots;
        _layout = memory.Layout;
        _base = memory.Base;
        _header = (RingHeader*)_base;
        _queue = (int*)(_base + _layout.QueueOffset);
        Work = Signal.In(memory, &_header->WorkSignal, &_header->WorkWaiters, "work");
        Done = Signal.In(memory, &_header->DoneSignal, &_header->DoneWaiters, "done");
    }

    public RingMemory Memory { get; }

    public SlotLayout Slots { get; }

    public int SlotCount => _layout.SlotCount;

    /// <summary>Raised when there is something to load, or the workers have to leave.</summary>
    public Signal Work { get; }

    /// <summary>Raised when a batch is complete or a sample has failed.</summary>
    public Signal Done { get; }

    public RingHeader* Header => _header;

    public bool IsStopping => Volatile.Read(ref _header->Stopping) != 0;

    public void Initialize(long seed, int idleMilliseconds)
    {
        _header->SlotCount = _layout.SlotCount;
        _header->BatchSize = _layout.BatchSize;
        _header->WorkerCapacity = _layout.WorkerCapacity;
        _header->SlotBytes = _layout.SlotBytes;
        _header->Seed = seed;
        _header->IdleMilliseconds = idleMilliseconds;
        Volatile.Write(ref _header->Magic, RingHeader.CurrentMagic);
    }

    public Heartbeat* Heartbeat(int worker) => (Heartbeat*)(_base + _layout.HeartbeatsOffset) + worker;

    public SlotControl* Control(int slot) => (SlotControl*)(_base + _layout.ControlsOffset + (slot * _layout.ControlStride));

    public SampleTask* Tasks(int slot) => (SampleTask*)((byte*)Control(slot) + SlotControl.Bytes);

    public byte* Data(int slot)
    {
        long address = Volatile.Read(ref Control(slot)->DataAddress);
        return address != 0 ? (byte*)address : _base + _layout.ControlBytes + (slot * _layout.SlotStride);
    }

    public SampleKey KeyOf(SampleTask* task) => new(_header->Seed, task->KeyEpoch, task->Index);

    public SampleBuffer Buffer(int slot, int position) => new(Data(slot), Slots.Placements, position);

    /// <summary>Puts a slot, whose tasks are written but for their states, at the end of the queue.</summary>
    public void Publish(int slot, int count)
    {
        // Workers take small parts, so that none waits for another's, but not single samples of large batches, which may be cheap.
        int chunk = Math.Max(1, count / PartsOfBatch);
        SlotControl* control = Control(slot);
        SampleTask* tasks = Tasks(slot);
        control->Count = count;
        control->Chunk = chunk;
        control->Rescan = 0;
        // A worker that still looks at the slot's former batch may claim from now on: everything above is written.
        for (int position = 0; position < count; position++)
            Volatile.Write(ref tasks[position].Status, tasks[position].Attempt == SampleTask.NotToBeTried ? SampleStatus.Skipped : SampleStatus.Pending);
        Volatile.Write(ref control->Cursor, 0);
        _queue[_header->Published % _layout.SlotCount] = slot;
        Volatile.Write(ref _header->Published, _header->Published + 1);
        // One worker for each chunk; to wake more would cost more than cheap samples do.
        Work.Raise(Math.Max(1, (count + chunk - 1) / chunk));
    }

    /// <summary>The batches in the queue.</summary>
    public int PublishedCount => (int)(_header->Published - _header->Head);

    /// <summary>The slot of the first batch that is not delivered; -1 where none is published.</summary>
    public int FirstSlot => PublishedCount > 0 ? _queue[_header->Head % _layout.SlotCount] : -1;

    /// <summary>Takes the first slot off the queue.</summary>
    public void Advance() => Volatile.Write(ref _header->Head, _header->Head + 1);

    /// <summary>Finds samples for a worker, oldest batch first. They still have to be claimed one by one.</summary>
    public bool TryFindWork(int worker, out int slot, out int from, out int to)
    {
        long published = Volatile.Read(ref _header->Published);
        for (long sequence = Volatile.Read(ref _header->Head); sequence < published; sequence++)
        {
            slot = Volatile.Read(ref _queue[sequence % _layout.SlotCount]);
            SlotControl* control = Control(slot);
            if (Volatile.Read(ref control->Rescan) != 0 && TryFindLeft(slot, worker, out from))
            {
                to = from + 1;
                return true;
            }

            if (Volatile.Read(ref control->Cursor) < control->Count)
            {
                int chunk = control->Chunk;
                // The count is read after the cursor has moved, since the slot may have been published anew meanwhile.
                from = Interlocked.Add(ref control->Cursor, chunk) - chunk;
                to = Math.Min(from + chunk, control->Count);

                if (from < to)
                    return true;
            }
        }

        slot = from = to = 0;
        return false;
    }

    /// <summary>Claims a sample, if it is to be had.</summary>
    public bool TryClaim(SampleTask* task, int worker)
    {
        int status = Volatile.Read(ref task->Status);
        return IsClaimable(status, worker) && Interlocked.CompareExchange(ref task->Status, SampleStatus.Claimed(worker), status) == status;
    }

    public bool IsComplete(int slot)
    {
        int count = Control(slot)->Count;
        SampleTask* tasks = Tasks(slot);
        for (int position = 0; position < count; position++)
        {
            if (!SampleStatus.IsFinal(Volatile.Read(ref tasks[position].Status)))
                return false;
        }

        return true;
    }

    /// <summary>Whether a worker still has a sample of the slot.</summary>
    public bool IsInHands(int slot)
    {
        int count = Control(slot)->Count;
        SampleTask* tasks = Tasks(slot);
        for (int position = 0; position < count; position++)
        {
            if (SampleStatus.IsClaimed(Volatile.Read(ref tasks[position].Status), out _))
                return true;
        }

        return false;
    }

    /// <summary>Whether this process has told the workers to leave: known before the first of them can have left, and not theirs to write.</summary>
    public bool HasStopped => _hasStopped;

    /// <summary>Tells all workers to leave.</summary>
    public void Stop()
    {
        _hasStopped = true;
        Volatile.Write(ref _header->Stopping, 1);
        Work.Raise();
        Done.Raise();
    }

    private bool IsClaimable(int status, int worker) =>
        status == SampleStatus.Pending
        || (SampleStatus.IsRetry(status, out int except) && (except != worker || Volatile.Read(ref _header->AliveWorkers) <= 1));

    private bool TryFindLeft(int slot, int worker, out int position)
    {
        SampleTask* tasks = Tasks(slot);
        int count = Control(slot)->Count;
        for (position = 0; position < count; position++)
        {
            if (IsClaimable(Volatile.Read(ref tasks[position].Status), worker))
                return true;
        }

        return false;
    }
}
