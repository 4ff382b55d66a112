namespace RobustTrain.Data;

/// <summary>How a <see cref="PrefetchLoader"/> loads.</summary>
public sealed record LoaderOptions
{
    /// <summary>Samples in a batch, at least 1.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The seed of the order and of every sample's randomness.</summary>
    public long Seed { get; init; }

    /// <summary>Whether each epoch has a permutation of its own; otherwise the data set's order.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Workers that decode ahead; 0 loads in the consumer's thread; null finds the number.</summary>
    public int? NumWorkers { get; init; } = 2;

    /// <summary>Batches that are decoded ahead of the consumer, at least 1.</summary>
    public int PrefetchQueueLength { get; init; } = 3;

    /// <summary>What becomes of an incomplete last batch.</summary>
    public LastBatch LastBatch { get; init; }

    /// <summary>Whether an incomplete last batch is left out: short for <see cref="LastBatch"/>.</summary>
    public bool DropLast
    {
        get => LastBatch == LastBatch.Drop;
        init => LastBatch = value ? LastBatch.Drop : LastBatch == LastBatch.Drop ? LastBatch.Keep : LastBatch;
    }

    /// <summary>How many times an epoch goes through the data set, each time with other randomness; at least 1.</summary>
    public int EnlargeRatio { get; init; } = 1;

    /// <summary>This process's rank, from 0.</summary>
    public int Rank { get; init; }

    /// <summary>The number of ranks that share each epoch, at least 1.</summary>
    public int WorldSize { get; init; } = 1;
}
