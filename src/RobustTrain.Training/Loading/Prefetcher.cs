using System.Runtime.ExceptionServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Runs;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loading;

/// <summary>
/// Brings batches to the device. Without a copier they stay where the loader has decoded them, and the step makes tensors over that memory
/// (on a GPU it copies them, and waits for that); with one, the next batch is copied beside the step of the present one.
/// </summary>
/// <param name="fields">The fields of a sample.</param>
/// <param name="device">Where the network is.</param>
/// <param name="copier">Copies beside the step; null for none.</param>
/// <param name="channelsLast">Whether images are laid out with the channels last on the device.</param>
internal sealed class Prefetcher(IReadOnlyList<SampleField> fields, Device device, IDeviceCopier? copier, bool channelsLast = false) : IDisposable
{
    /// <summary>Checks that the mode fits the device.</summary>
    /// <exception cref="RunException">It does not.</exception>
    public static void Check(LoaderOptions config, Device device)
    {
        if (config.PrefetchMode == "cuda" && device.type != DeviceType.CUDA)
            throw new RunException(ExitCode.Configuration, "PrefetchModeNeedsCuda", $"loader.prefetch_mode is cuda, but the device is {device}; use cpu, or leave it out.", "loader.prefetch_mode");
        if (config.ChannelsLast && Mode(config, device) != "cuda")
            throw new RunException(ExitCode.Configuration, "ChannelsLastNeedsCuda", $"loader.channels_last is true, but only prefetch_mode cuda lays images out for that, and batches for {device} come without it; leave it out.", "loader.channels_last");
    }

    /// <summary>The prefetcher that the configuration asks for.</summary>
    public static Prefetcher Create(LoaderOptions config, Device device, IReadOnlyList<SampleField> fields) =>
        new(fields, device, Mode(config, device) == "cuda" ? new DeviceCopier(fields, device, device.index) : null, config.ChannelsLast);

    /// <summary>The batches of a stream in their order, until a stop is asked for.</summary>
    public BatchFeed Open(EpochStream stream, CancellationToken stopping) => new(stream, fields, device, copier, channelsLast, stopping);

    /// <inheritdoc/>
    public void Dispose() => copier?.Dispose();

    private static string Mode(LoaderOptions config, Device device) =>
        config.PrefetchMode ?? (device.type == DeviceType.CUDA ? "cuda" : "cpu");
}

/// <summary>The batches of a stream on the device, or on their way to it; they end where a stop is asked for, in the middle of waiting for one too.</summary>
internal sealed class BatchFeed(
    EpochStream stream, IReadOnlyList<SampleField> fields, Device device, IDeviceCopier? copier, bool channelsLast, CancellationToken stopping) : IDisposable
{
    // Being copied beside the step of the batch before it, or what was wrong with it.
    private TrainingBatch? _next;
    private ExceptionDispatchInfo? _failure;
    private bool _hasBegun;

    /// <summary>The next batch, which may mean waiting for it; null at the end.</summary>
    /// <exception cref="SampleException">A sample can't be loaded and may not be skipped.</exception>
    public TrainingBatch? Next()
    {
        if (copier is null)
            return MoveNext() ? TrainingBatch.InLoaderMemory(stream.Current, fields, device, stream.Ledger) : null;
        if (!_hasBegun)
            _next = Begin(copier);
        _hasBegun = true;
        _failure?.Throw();
        if (_next is not { } present)
            return null;
        copier.Await();
        if (channelsLast)
            present.Open().LayChannelsLast();
        _next = null;
        try
        {
            _next = Begin(copier);
        }
        catch (Exception exception)
        {
            // Whatever is wrong with the next batch, the present one is trained on first, as without a copier.
            _failure = ExceptionDispatchInfo.Capture(exception);
        }

        return present;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Memory that is still being copied to must not be given to anything else.
        using TrainingBatch? left = _next;
        if (left is not null)
            copier!.Await();
    }

    private bool MoveNext()
    {
        try
        {
            return !stopping.IsCancellationRequested && stream.MoveNext();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return false;
        }
    }

    private TrainingBatch? Begin(IDeviceCopier copier)
    {
        if (!MoveNext())
            return null;
        using IBatch batch = stream.Current;
        return TrainingBatch.OnDevice(batch, copier.Begin(batch), stream.Ledger);
    }
}

/// <summary>A batch on its way into a step, with the loader's account up to it: the loader itself may be ahead.</summary>
internal sealed class TrainingBatch : IDisposable
{
    private readonly Func<BatchTensors>? _open;
    private readonly IDisposable? _memory;

    private TrainingBatch(IBatch source, EpochLedger ledger, Func<BatchTensors> open, IDisposable memory)
    {
        Index = source.Index;
        SampleIndices = [.. source.SampleIndices];
        Positions = [.. Enumerable.Range(0, SampleIndices.Count).Select(source.PositionOf)];
        Ledger = ledger;
        _open = open;
        _memory = memory;
    }

    private TrainingBatch(int index, Exception? failure)
    {
        Index = index;
        Failure = failure;
        SampleIndices = [];
        Positions = [];
        Ledger = EpochLedger.Begin(epoch: 0);
        IsMissing = true;
    }

    /// <summary>The batch's place in its epoch, from 0.</summary>
    public int Index { get; }

    /// <summary>Whether this rank does not have its part of the batch.</summary>
    public bool IsMissing { get; }

    /// <summary>Why it does not; null where it was asked to stop.</summary>
    public Exception? Failure { get; }

    /// <summary>The dataset's indices of the samples, in the order in which they stand in the batch.</summary>
    public IReadOnlyList<int> SampleIndices { get; }

    /// <summary>The positions in the whole batch that were planned for the samples, ascending.</summary>
    public IReadOnlyList<int> Positions { get; }

    /// <summary>The loader's account up to this batch.</summary>
    public EpochLedger Ledger { get; }

    /// <summary>A batch that stays where the loader has decoded it; it owns <paramref name="source"/>.</summary>
    public static TrainingBatch InLoaderMemory(IBatch source, IReadOnlyList<SampleField> fields, Device device, EpochLedger ledger) =>
        new(source, ledger, () => BatchTensors.From(source, fields, device), source);

    /// <summary>A batch whose tensors, which it owns, are on the device already, while its memory in the loader's ring serves another one.</summary>
    public static TrainingBatch OnDevice(IBatch source, BatchTensors tensors, EpochLedger ledger) => new(source, ledger, () => tensors, tensors);

    /// <summary>A batch that is not there, of which the other ranks have to be told.</summary>
    public static TrainingBatch Missing(int index, Exception? failure = null) => new(index, failure);

    /// <summary>Where the samples with positions from one to before another stand.</summary>
    public (int Start, int Count) Between(int from, int to)
    {
        int start = Positions.TakeWhile(position => position < from).Count();
        return (start, Positions.Skip(start).TakeWhile(position => position < to).Count());
    }

    /// <summary>The tensors; they may be used while the batch and the calling dispose scope are.</summary>
    public BatchTensors Open() => _open!();

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();
}

/// <summary>Copies batches to a GPU beside the step of the batch before, through locked memory, on a stream of its own.</summary>
/// <param name="fields">The fields of a sample.</param>
/// <param name="device">Where the tensors are made.</param>
/// <param name="ordinal">The GPU's number, as torch counts them.</param>
internal sealed class DeviceCopier(IReadOnlyList<SampleField> fields, Device device, int ordinal) : IDeviceCopier
{
    private readonly CudaDriver.CopyStream _stream = new(ordinal);

    /// <inheritdoc/>
    public BatchTensors Begin(IBatch batch)
    {
        using BatchTensors host = BatchTensors.Over(batch, fields);
        _stream.Begin((nuint)host.All.Sum(Size));
        return host.Placed(Copy);
    }

    /// <inheritdoc/>
    public void Await() => _stream.Synchronize();

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static long Size(Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;

    private Tensor Copy(Tensor host)
    {
        Tensor made = empty(host.shape, host.dtype, device);
        _stream.Copy(HostMemory.AddressOf(made), HostMemory.AddressOf(host), (nuint)Size(host));
        return made;
    }
}

/// <summary>Copies batches to a device beside the work that is under way there.</summary>
internal interface IDeviceCopier : IDisposable
{
    /// <summary>Begins to copy a batch; its memory may be used again when this returns, its tensors when <see cref="Await"/> has.</summary>
    BatchTensors Begin(IBatch batch);

    /// <summary>Waits until everything that was begun is there.</summary>
    void Await();
}
