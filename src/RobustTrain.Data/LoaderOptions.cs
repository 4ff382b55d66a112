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

    /// <summary>Whether an incomplete last batch is left out.</summary>
    public bool DropLast { get; init; }
}
