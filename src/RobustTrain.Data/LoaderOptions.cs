using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Data;

/// <summary>How a <see cref="PrefetchLoader"/> loads.</summary>
public sealed record LoaderOptions
{
    /// <summary>Samples in a batch, at least 1.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The seed of the order and of every sample's randomness.</summary>
    public long Seed { get; init; }

    /// <summary>A seed for each epoch, in place of <see cref="Seed"/>; null takes that for all.</summary>
    public IReadOnlyList<long>? EpochSeeds { get; init; }

    /// <summary>Whether each epoch has a permutation of its own; otherwise the dataset's order.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Workers that decode ahead; 0 loads in the consumer's thread; null finds the number.</summary>
    public int? NumWorkers { get; init; } = 2;

    /// <summary>What the workers are.</summary>
    public WorkerKind WorkerKind { get; init; }

    /// <summary>Batches that are decoded ahead of the consumer, at least 1. The ring has one slot more: the consumer's.</summary>
    public int PrefetchQueueLength { get; init; } = 3;

    /// <summary>What becomes of an incomplete last batch.</summary>
    public LastBatch LastBatch { get; init; }

    /// <summary>Whether an incomplete last batch is left out: short for <see cref="LastBatch"/>.</summary>
    public bool DropLast
    {
        get => LastBatch == LastBatch.Drop;
        init => LastBatch = value ? LastBatch.Drop : LastBatch == LastBatch.Drop ? LastBatch.Keep : LastBatch;
    }

    /// <summary>How many times an epoch goes through the dataset, each time with other randomness; at least 1.</summary>
    public int EnlargeRatio { get; init; } = 1;

    /// <summary>This process's rank, from 0.</summary>
    public int Rank { get; init; }

    /// <summary>The number of ranks that share each epoch, at least 1.</summary>
    public int WorldSize { get; init; } = 1;

    /// <summary>How long a worker may stand still, on one sample or otherwise, before it counts as stuck.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a worker may take to start.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After how many failures of workers in an epoch the rest of it is loaded in the consumer's thread; at least 1.</summary>
    public int MaxErrors { get; init; } = 5;

    /// <summary>How often the workers' heartbeats are read.</summary>
    public TimeSpan HealthCheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What becomes of a sample that can't be loaded.</summary>
    public BadSamplePolicy OnBadSample { get; init; }

    /// <summary>How many samples of an epoch may be skipped.</summary>
    public SkipBudget MaxSkipped { get; init; } = SkipBudget.Share(0.01);

    /// <summary>Whether workers live on from epoch to epoch.</summary>
    public bool PersistentWorkers { get; init; } = true;

    /// <summary>The file that remembers samples that killed or stalled their workers, or whose files are damaged; null remembers them for this loader's life.</summary>
    public string? QuarantinePath { get; init; }

    /// <summary>The part of the data, as a split, to which the dataset's entries in <see cref="QuarantinePath"/> belong; null for none.</summary>
    public string? QuarantinePart { get; init; }

    /// <summary>Whether samples that an earlier run put into quarantine are tried again.</summary>
    public bool IgnoreQuarantine { get; init; }

    /// <summary>Faults to inject; null for none.</summary>
    public FaultPlan? Faults { get; init; }

    /// <summary>Is told of what happens to workers and samples, from any thread, one event at a time; it must not call the loader.</summary>
    public Action<LoaderEvent>? Observer { get; init; }

    /// <summary>How process workers are started; null finds <c>robusttrain</c> beside this program.</summary>
    public WorkerCommand? WorkerCommand { get; init; }

    /// <summary>How long a stuck worker's stack may take to be read.</summary>
    internal TimeSpan StackTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The seed of an epoch's order and of its samples' randomness.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The epochs have seeds of their own, but this one has none.</exception>
    public long SeedOf(int epoch)
    {
        if (EpochSeeds is null)
            return Seed;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)epoch, (uint)EpochSeeds.Count, nameof(epoch));
        return EpochSeeds[epoch];
    }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of range.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(NumWorkers ?? 0, 0, nameof(NumWorkers));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(NumWorkers ?? 0, 1024, nameof(NumWorkers));
        ArgumentOutOfRangeException.ThrowIfLessThan(PrefetchQueueLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(EnlargeRatio, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(WorldSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Rank, WorldSize - 1, nameof(Rank));
        CheckTime(Timeout, nameof(Timeout));
        CheckTime(StartTimeout, nameof(StartTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxErrors, 1);
        CheckTime(HealthCheckInterval, nameof(HealthCheckInterval));
    }

    private static void CheckTime(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(name, time, "It must be above zero.");
    }
}
