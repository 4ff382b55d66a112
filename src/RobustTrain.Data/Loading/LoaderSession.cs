using System.ComponentModel;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>
/// A ring with its workers, lent to one stream at a time. Everything here happens under <see cref="Gate"/>, by the consumer's thread
/// or by the monitor's; the workers themselves never need it.
/// </summary>
internal sealed unsafe class LoaderSession : IDisposable
{
    // Heartbeats for workers that replace stuck threads, which keep theirs until they come back.
    private const int SpareHeartbeats = 16;

    private readonly IDataset _dataset;
    private readonly LoaderOptions _options;
    private EpochStream? _stream;
    private bool _disposed;

    /// <summary>Makes the ring and starts the workers.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="slots">The layout of a slot.</param>
    /// <param name="workers">How many workers at first; 0 for none ever.</param>
    /// <param name="mostWorkers">How many there may become.</param>
    /// <exception cref="LoaderException">The ring does not fit into memory, or workers of this kind can't be had.</exception>
    public LoaderSession(IDataset dataset, LoaderOptions options, SlotLayout slots, int workers, int mostWorkers)
    {
        _dataset = dataset;
        _options = options;
        bool areProcesses = options.HasProcessWorkers;
        WorkerCommand? command = areProcesses ? options.WorkerCommand ?? WorkerCommand.Find(WorkerCommand.Verb) : null;
        RingMemory memory = Reserve(LayoutOf(options, slots, mostWorkers), areProcesses);
        Ring = new SampleRing(memory, slots);
        int idle = (int)Math.Clamp(Math.Min(options.HealthCheckInterval.TotalMilliseconds, options.Timeout.TotalMilliseconds) / 4, 1, 1000);
        Ring.Initialize(options.Seed, idle);
        Slots = new SlotTable(Ring);
        Pool = new WorkerPool(Ring, areProcesses ? "process" : "thread", workers);
        Recovery = new WorkerLossRecovery(Ring, Slots, Pool, dataset, options);
        if (workers == 0)
            return;
        Monitor = new WorkerHealthMonitor(Gate, Ring, Pool, areProcesses ? StartProcesses(memory, command!) : StartThreads(), Recovery, options);
    }

    /// <summary>The layout of a ring for at most so many workers.</summary>
    public static RingLayout LayoutOf(LoaderOptions options, SlotLayout slots, int mostWorkers) =>
        new(options.PrefetchQueueLength + 1, options.SlotSamples, 1 + (mostWorkers == 0 ? 0 : mostWorkers + SpareHeartbeats), slots.Bytes);

    /// <summary>Checks that the memory of a ring is there, and takes none of it.</summary>
    /// <exception cref="LoaderException">It is more than there is.</exception>
    public static void CheckMemory(RingLayout layout, bool isShared)
    {
        long available = SystemResources.AvailableMemoryBytes();
        if (layout.TotalBytes > available)
            throw TooLarge(layout, isShared, $"{available / 1048576.0:F0} MiB are available", null);
    }

    public object Gate { get; } = new();

    public SampleRing Ring { get; }

    /// <summary>Who has which slot.</summary>
    public SlotTable Slots { get; }

    public WorkerPool Pool { get; }

    public WorkerLossRecovery Recovery { get; }

    /// <summary>Watches the workers; null where there are none ever.</summary>
    public WorkerHealthMonitor? Monitor { get; }

    /// <summary>Whether the consumer's thread does the loading, because there are no workers or no more of them.</summary>
    public bool LoadsInPlace => Monitor is null || Recovery.HasFallenBack;

    public bool IsDisposed => Volatile.Read(ref _disposed);

    /// <summary>Lends the session to a stream.</summary>
    public void Attach(EpochStream stream, SampleFailurePolicy policy)
    {
        lock (Gate)
        {
            _stream = stream;
            Recovery.Policy = policy;
            // It is written nowhere else. Samples that workers still load for a former stream are dropped, so their seed does not matter.
            Ring.Header->Seed = _options.SeedOf(stream.Epoch);
            // Workers start once there is a policy that counts their failures.
            Monitor?.Start();
        }
    }

    /// <summary>Takes the session back from a stream; what workers still have is dropped when they are done with it.</summary>
    public void Detach()
    {
        lock (Gate)
        {
            Recovery.Tend();
            Forget();
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
            Slots[slot] = SlotState.Free;
            _stream?.Publish();
        }
    }

    /// <summary>What loads samples in a place of this process.</summary>
    public SampleLoading LoadingBy(FaultyWorker worker) =>
        new(_dataset, _options.Faults is null ? null : new FaultInjector(_options.Faults, _options.Seed, worker));

    public void Dispose()
    {
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            Forget();
        }

        Ring.Stop();
        Monitor?.Dispose();
        Ring.Memory.Release();
    }

    private void Forget()
    {
        _stream = null;
        Recovery.Policy = null;
    }

    private Func<int, Action, IWorker> StartProcesses(RingMemory memory, WorkerCommand command) =>
        new ProcessWorkerFactory((SharedRingMemory)memory, ((IPortableDataset)_dataset).Description, _options.Faults, command).Start;

    private Func<int, Action, IWorker> StartThreads()
    {
        SampleLoading loading = LoadingBy(FaultyWorker.Thread);
        return (number, ended) => new ThreadWorker(Ring, new WorkerLoop(Ring, loading, number), number, ended);
    }

    private static RingMemory Reserve(RingLayout layout, bool isShared)
    {
        CheckMemory(layout, isShared);
        try
        {
            return isShared ? new SharedRingMemory(layout) : new NativeRingMemory(layout);
        }
        catch (Exception exception) when (exception is OutOfMemoryException or Win32Exception)
        {
            throw TooLarge(layout, isShared, exception.Message, exception);
        }
    }

    private static LoaderException TooLarge(RingLayout layout, bool isShared, string reason, Exception? cause) => new(
        $"The loader's ring of {layout.SlotCount} slots of {layout.SlotBytes / 1048576.0:F1} MiB does not fit into {(isShared ? "shared memory" : "memory")}: {reason}; a shorter prefetch queue or a smaller batch needs less.",
        cause);
}
