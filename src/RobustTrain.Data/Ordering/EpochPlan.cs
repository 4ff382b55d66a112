namespace RobustTrain.Data.Ordering;

/// <summary>
/// Which sample stands where in an epoch, as arithmetic: any batch of any epoch is computed in constant time from (seed, epoch),
/// for every rank of every world size, so that a stream can begin anywhere and never depends on what came before.
/// </summary>
/// <remarks>
/// An epoch is a sequence of places, <c>count * enlargeRatio</c> of them, cut into global batches of <c>batchSize * worldSize</c>.
/// Rank r takes the places r, r + worldSize, ... of each global batch, so the union over the ranks is the same sequence
/// for every world size.
/// </remarks>
public readonly struct EpochPlan
{
    private readonly int _datasetCount;
    private readonly int _enlargeRatio;
    private readonly bool _shuffle;
    private readonly EpochOrder _order;
    private readonly int _epoch;

    /// <summary>The plan of an epoch.</summary>
    /// <param name="datasetCount">The samples of the dataset.</param>
    /// <param name="options">Batch size, order, shard and last batch.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public EpochPlan(int datasetCount, LoaderOptions options, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        _datasetCount = datasetCount;
        _enlargeRatio = options.EnlargeRatio;
        _shuffle = options.Shuffle;
        _epoch = epoch;
        PlaceCount = checked(datasetCount * options.EnlargeRatio);
        _order = options.Shuffle ? new EpochOrder(PlaceCount, options.SeedOf(epoch), epoch) : default;
        BatchSize = options.BatchSize;
        Rank = options.Rank;
        WorldSize = options.WorldSize;
        LastBatch = options.LastBatch;
        BatchCount = CountBatches();
    }

    /// <summary>The samples that an epoch goes through, over all ranks.</summary>
    public int PlaceCount { get; }

    /// <summary>Samples in a whole batch of this rank.</summary>
    public int BatchSize { get; }

    /// <summary>The rank that the plan is for.</summary>
    public int Rank { get; }

    /// <summary>The number of ranks that share the epoch.</summary>
    public int WorldSize { get; }

    /// <summary>What becomes of an incomplete last batch.</summary>
    public LastBatch LastBatch { get; }

    /// <summary>The batches of this rank.</summary>
    public int BatchCount { get; }

    /// <summary>The number of samples of a batch of this rank.</summary>
    public int CountOf(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)batch, (uint)BatchCount, nameof(batch));
        if (LastBatch == LastBatch.Fill)
            return BatchSize;
        long left = PlaceCount - ((long)batch * BatchSize * WorldSize);
        return (int)Math.Min(BatchSize, (left - Rank + WorldSize - 1) / WorldSize);
    }

    /// <summary>
    /// The sample at a position of a batch: its index in the dataset, and the epoch that keys its randomness
    /// (the copies of a sample within an enlarged epoch have keys of their own).
    /// </summary>
    public (int Index, int Epoch) this[int batch, int position]
    {
        get
        {
            long place = ((((long)batch * BatchSize) + position) * WorldSize) + Rank;
            int ordered = (int)(place % PlaceCount);
            if (_shuffle)
                ordered = _order[ordered];
            int copy = ordered / _datasetCount;
            return (ordered - (copy * _datasetCount), unchecked((_epoch * _enlargeRatio) + copy));
        }
    }

    private int CountBatches()
    {
        long global = (long)BatchSize * WorldSize;
        if (LastBatch == LastBatch.Drop)
            return (int)(PlaceCount / global);
        long batches = (PlaceCount + global - 1) / global;
        if (LastBatch == LastBatch.Keep && batches > 0 && PlaceCount - ((batches - 1) * global) <= Rank)
            batches--;
        return (int)batches;
    }
}
