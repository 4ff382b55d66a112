using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training.Prefetching;

/// <summary>A batch whose tensors are on the device already, while its memory in the loader's ring serves another one.</summary>
/// <param name="source">The batch as it was loaded.</param>
/// <param name="tensors">Its tensors.</param>
/// <param name="ledger">The loader's account up to this batch: the loader itself is ahead of it.</param>
internal sealed class DeviceBatch(IBatch source, BatchTensors tensors, EpochLedger ledger) : IBatch
{
    private BatchTensors? _tensors = tensors;

    /// <inheritdoc/>
    public int Epoch { get; } = source.Epoch;

    /// <inheritdoc/>
    public int Index { get; } = source.Index;

    /// <inheritdoc/>
    public IReadOnlyList<int> SampleIndices { get; } = [.. source.SampleIndices];

    /// <summary>The loader's account up to this batch.</summary>
    public EpochLedger Ledger => ledger;

    /// <inheritdoc/>
    public BatchField this[string field] => throw new InvalidOperationException($"The field '{field}' has left the host's memory; take the tensors.");

    /// <summary>Hands the tensors over to whoever disposes of them.</summary>
    public BatchTensors Take() => Interlocked.Exchange(ref _tensors, null) ?? throw new InvalidOperationException("The tensors have been taken.");

    /// <summary>Lays the images out with the channels last; the tensors must have arrived.</summary>
    public void LayChannelsLast() => _tensors = _tensors?.ToChannelsLast();

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _tensors, null)?.Dispose();
}
