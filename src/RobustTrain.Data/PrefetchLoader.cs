using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data;

/// <summary>
/// Loads batches ahead of their consumer with workers that may fail without a sample lost. The stream of batches depends on the dataset,
/// the seed and the epoch alone: it is the same for any number and kind of workers, and for any history of failures.
/// Its memory is bounded: (<see cref="LoaderOptions.PrefetchQueueLength"/> + 1) batches for each stream that is open at once.
/// </summary>
public sealed class PrefetchLoader : IBatchLoader
{
    private readonly object _gate = new();
    private readonly LoaderOptions _options;
    private readonly SlotLayout _layout;
    private readonly Stack<LoaderSession> _idle = new();
    private readonly List<LoaderSession> _busy = [];
    private bool _disposed;

    /// <summary>Opens a loader over <paramref name="dataset"/>; workers start with the first stream.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="LoaderException">Process workers are asked for where they can't be had, or the quarantine can't be read.</exception>
    public PrefetchLoader(IDataset dataset, LoaderOptions options)
    {
        options.Check();
        if (options.HasProcessWorkers)
        {
            if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
                throw new LoaderException("Process workers need Linux or Windows; use threads.");
            if (dataset is not IPortableDataset)
                throw new LoaderException($"Process workers need a dataset that another process can open, which {dataset.GetType().Name} is not; use threads.");
        }

        Dataset = dataset;
        _options = options;
        _layout = new SlotLayout(dataset.Fields, options.SlotSamples);
        Quarantine = new Quarantine(dataset, options);
        BatchCount = dataset.Count == 0 ? 0 : new EpochPlan(dataset.Count, options, 0).BatchCount;
    }

    /// <inheritdoc/>
    public IDataset Dataset { get; }

    /// <summary>The number of batches of an epoch.</summary>
    public int BatchCount { get; }

    /// <summary>The samples that are not to be loaded.</summary>
    public Quarantine Quarantine { get; }

    /// <summary>The bytes of one stream's ring: its slots times the bytes of a batch.</summary>
    public long RingBytes => (_options.PrefetchQueueLength + 1) * _layout.Bytes;

    /// <summary>Checks that the memory of a stream is there now, and takes none of it.</summary>
    /// <exception cref="LoaderException">The ring does not fit into memory.</exception>
    public void CheckMemory() => LoaderSession.CheckMemory(
        LoaderSession.LayoutOf(_options, _layout, _options.NumWorkers ?? Environment.ProcessorCount),
        isShared: _options.HasProcessWorkers);

    /// <inheritdoc/>
    public IEnumerable<IBatch> ReadEpoch(int epoch, int startBatch = 0, CancellationToken stopping = default)
    {
        using EpochStream stream = Open(epoch, startBatch, null, stopping);
        while (stream.MoveNext())
            yield return stream.Current;
    }

    /// <summary>Opens the stream of an epoch, with its ledger and statistics. Dispose it to leave, at any moment.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="startBatch">The first batch to deliver; reaching it costs the same wherever it stands.</param>
    /// <param name="former">The account of the batches before <paramref name="startBatch"/>, to go on with.</param>
    /// <param name="stopping">Ends the stream with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="LoaderException">The ring does not fit into memory.</exception>
    public EpochStream Open(int epoch, int startBatch = 0, EpochLedger? former = null, CancellationToken stopping = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(startBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(startBatch, BatchCount);
        LoaderSession? session;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_idle.TryPop(out session))
                _busy.Add(session);
        }

        if (session is null)
        {
            int workers = _options.NumWorkers ?? 1;
            session = new LoaderSession(Dataset, _options, _layout, workers, _options.NumWorkers ?? Environment.ProcessorCount);
            if (_options.NumWorkers is null)
            {
                _options.Observer?.Invoke(new LoaderEvent(
                    LoaderEventKind.WorkersChosen, $"1 worker loads at first; up to {Environment.ProcessorCount} will, as long as the consumer waits for data and processors are idle.") { Epoch = epoch });
            }

            lock (_gate)
                _busy.Add(session);
            // Threads, which do not fail to start, come up while the stream is made that they will work for.
            if (_options.WorkerKind == WorkerKind.Thread)
                session.Monitor?.Start();
        }

        LoaderSession used = session;
        return new EpochStream(session, Dataset, _options, Quarantine, epoch, startBatch, former, _ => Return(used), stopping);
    }

    /// <summary>Ends all workers. Batches in the consumer's hands stay valid until they are disposed.</summary>
    public void Dispose()
    {
        List<LoaderSession> sessions;
        lock (_gate)
        {
            _disposed = true;
            sessions = [.. _idle, .. _busy];
            _idle.Clear();
            _busy.Clear();
        }

        foreach (LoaderSession session in sessions)
            session.Dispose();
    }

    private void Return(LoaderSession session)
    {
        lock (_gate)
        {
            _busy.Remove(session);
            if (!_disposed && _options.PersistentWorkers && !session.Recovery.HasFallenBack)
            {
                _idle.Push(session);
                return;
            }
        }

        session.Dispose();
    }
}
