namespace RobustTrain.Data;

/// <summary>Loads batches ahead of their consumer with workers that may fail without a sample lost.</summary>
public sealed class PrefetchLoader : IBatchLoader
{
    /// <summary>Opens a loader over <paramref name="dataset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public PrefetchLoader(IDataset dataset, LoaderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        Dataset = dataset;
        BatchCount = options.DropLast ? dataset.Count / options.BatchSize : (dataset.Count + options.BatchSize - 1) / options.BatchSize;
    }

    /// <inheritdoc/>
    public IDataset Dataset { get; }

    /// <inheritdoc/>
    public int BatchCount { get; }

    /// <inheritdoc/>
    public IEnumerable<IBatch> ReadEpoch(int epoch, int startBatch = 0, CancellationToken stopping = default) =>
        throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
