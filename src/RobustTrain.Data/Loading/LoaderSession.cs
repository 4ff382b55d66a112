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
    private readonly LostSamples _lost;
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
        RingLayout layout = LayoutOf(options, slots, mostWorkers);
        bool processes = options.WorkerKind == WorkerKind.Process && workers > 0;
        WorkerCommand? command = processes ? options.WorkerCommand ?? WorkerCommand.Find(WorkerCommand.Verb) : null;
        RingMemory memory = RingMemory.Reserve(layout, processes);
        Ring = new Ring(memory, slots);
        int idle = (int)Math.Clamp(Math.Min(options.HealthCheckInterval.TotalMilliseconds, options.Timeout.TotalMilliseconds) / 4, 1, 1000);
        Ring.Initialize(options.Seed, idle);
        _lost = new LostSamples(this);
        Slots = new SlotTable(Ring, _lost.IsTakenAway);
        InPlace = new WorkerLoop(Ring, LoadingBy(FaultyWorker.Consumer), ConsumerCell);
        Trials = new SampleTrials(Ring, LoadingBy(FaultyWorker.Thread), options.Timeout);
        if (workers == 0)
            return;
        IWorkerFactory factory = processes
            ? new ProcessWorkerFactory((SharedRingMemory)memory, ((IPortableDataset)dataset).Description, options.Faults, command!)
            : new ThreadWorkerFactory(Ring, LoadingBy(FaultyWorker.Thread));
        _monitor = new WorkerHealthMonitor(Gate, Ring, factory, this, workers, options);
    }

    /// <summary>The layout of a ring for at most so many workers.</summary>
    public static RingLayout LayoutOf(LoaderOptions options, SlotLayout slots, int mostWorkers) =>
        new(options.PrefetchQueueLength + 1, options.BatchSize, 1 + (mostWorkers == 0 ? 0 : mostWorkers + SpareCells), slots.Bytes);

    public object Gate { get; } = new();

    public Ring Ring { get; }

    /// <summary>Who has which slot.</summary>
    public SlotTable Slots { get; }

    /// <summary>The stream that the session is lent to; null for none.</summary>
    public EpochStream? Stream { get; private set; }

    /// <summary>Loads in the consumer's thread.</summary>
    public WorkerLoop InPlace { get; }

    /// <summary>Tries samples beside the consumer's thread.</summary>
    public SampleTrials Trials { get; }

    /// <summary>Whether the consumer's thread does the loading, because there are no workers or no more of them.</summary>
    public bool LoadsInPlace => _monitor is null || HasFallenBack;

    public bool HasFallenBack { get; private set; }

    public bool IsDisposed => Volatile.Read(ref _disposed);

    public WorkerHealthMonitor? Monitor => _monitor;

    public int WorkerCount => _monitor?.Register.Seats.Count ?? 0;

    /// <summary>Lends the session to a stream.</summary>
    public void Attach(EpochStream stream)
    {
        lock (Gate)
        {
            Stream = stream;
            // Nobody else writes it, and what a worker still has of a former stream is dropped, whichever seed it was made with.
            Ring.Header->Seed = _options.SeedOf(stream.Epoch);
            // Workers start with somebody to count their failures.
            _monitor?.Start();
        }
    }

    /// <summary>Takes the session back from a stream; what workers still have is dropped when they are done with it.</summary>
    public void Detach()
    {
        lock (Gate)
        {
            Stream = null;
            while (Ring.Header->Head < Ring.Header->Published)
                Ring.Advance();
            Slots.Drain();
        }
    }

    /// <summary>Gives a slot back.</summary>
    public void Free(int slot)
    {
        lock (Gate)
        {
            Slots[slot] = SlotUse.Free;
            if (!_disposed)
                Stream?.Pump();
        }
    }

    public void Tend() => _lost.Tend();

    public void TakeBack(int cell, string worker, string? reason, WorkerLoss loss) => _lost.TakeBack(cell, worker, reason, loss);

    public void TakeAway(int cell, IWorker abandoned, string worker, string? reason) => _lost.TakeAway(cell, abandoned, worker, reason);

    public bool CountFailure(LoaderEvent loaderEvent)
    {
        Report(loaderEvent);
        if (Stream is null || HasFallenBack || !Stream.Judge.CountWorkerFailure())
            return false;
        FallBack($"{_options.MaxErrors} {(_options.MaxErrors == 1 ? "worker has" : "workers have")} failed in this epoch");
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

    public void Report(LoaderEvent loaderEvent) => _options.Observer?.Invoke(loaderEvent with { Epoch = loaderEvent.Epoch ?? Stream?.Epoch });

    public string NameOf(int sampleIndex) => sampleIndex >= 0 && sampleIndex < _dataset.Count ? _dataset.NameOf(sampleIndex) : $"{sampleIndex}";

    public void Dispose()
    {
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            Stream = null;
        }

        Ring.Stop();
        _monitor?.Dispose();
        Ring.Memory.Release();
    }

    private SampleLoading LoadingBy(FaultyWorker worker) =>
        new(_dataset, _options.Faults is null ? null : new FaultInjector(_options.Faults, _options.Seed, worker));
}
