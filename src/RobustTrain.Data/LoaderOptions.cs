using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Data;

/// <summary>How a <see cref="PrefetchLoader"/> loads. What has a description is a key of a configuration's section <c>loader</c>.</summary>
public sealed record LoaderOptions
{
    [Description("Samples in a training batch: of all ranks together, which share it.")]
    [Range(1, 65536)]
    [ConfigurationAlias("batch_size_per_gpu")]
    public int BatchSize { get; init; } = 16;

    [Description("Samples in a batch of validation and test.")]
    [Range(1, 65536)]
    public int EvalBatchSize { get; init; } = 1;

    [Description("Workers that decode ahead; 0 loads in the training thread; auto finds the number by how much the training waits and how many processors are idle.")]
    [Range(0, 1024)]
    [ConfigurationAlias("num_worker_per_gpu")]
    [ConfigurationNullText("auto")]
    [FreeOnResume]
    public int? NumWorkers { get; init; } = 2;

    [Description("What the workers are: thread (the least cost) or process (a crash or a hang in a decoder takes none but the worker; Linux).")]
    [FreeOnResume]
    public WorkerKind WorkerKind { get; init; }

    [Description("Batches that are decoded ahead of the training step.")]
    [Range(1, 4096)]
    [ConfigurationAlias("num_prefetch_queue")]
    [ConfigurationForeignName("prefetch_factor", "prefetch_queue_length counts the batches of all workers together, where prefetch_factor counts those of each: set it to prefetch_factor times num_workers.")]
    [FreeOnResume]
    public int PrefetchQueueLength { get; init; } = 3;

    [Description("How batches come to the device: none or cpu (from the loader's own memory, when the step begins), cuda (through pinned memory on a stream of its own, beside the step before); null: cuda on a GPU, else cpu.")]
    [AllowedValues("none", "cpu", "cuda")]
    [ConfigurationForeignName("pin_memory", "prefetch_mode says how batches come to the device: cuda goes through pinned memory, cpu and none do not.")]
    public string? PrefetchMode { get; init; }

    [Description("Whether prefetch_mode cuda lays images out with the channels last, which convolutions in half precision prefer.")]
    public bool ChannelsLast { get; init; }

    [Description("Whether an incomplete last training batch is left out.")]
    public bool DropLast { get; init; }

    [Description("Whether an incomplete last training batch is filled up with samples from the epoch's beginning; drop_last wins.")]
    public bool FillLast { get; init; }

    [Description("Whether workers live on from epoch to epoch.")]
    [FreeOnResume]
    public bool PersistentWorkers { get; init; } = true;

    [Description("Seconds that a worker may stand still, on one sample or otherwise, before it counts as stuck and is replaced.")]
    [Range(0.01, 86400.0)]
    [ConfigurationAlias("timeout")]
    [FreeOnResume]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    [Description("Failures of workers in an epoch after which the rest of it is loaded in the trainer's own process, in the same order.")]
    [Range(1, 1_000_000)]
    [FreeOnResume]
    public int MaxErrors { get; init; } = 5;

    [Description("Seconds between two looks at the workers' heartbeats.")]
    [Range(0.001, 3600.0)]
    [ConfigurationAlias("check_interval")]
    [FreeOnResume]
    public TimeSpan HealthCheckInterval { get; init; } = TimeSpan.FromSeconds(1);

    [Description("A sample that can't be loaded, after a second try elsewhere: fail (exit code 3, naming it) or skip (the batch goes without it, and the ledger names it).")]
    [FreeOnResume]
    public BadSamplePolicy OnBadSample { get; init; }

    [Description("Samples of an epoch that may be skipped: a share of it where below 1, as 0.01, else a number; beyond it the run ends with exit code 3.")]
    [Range(0.0, 1e9)]
    [FreeOnResume]
    public double MaxSkipped { get; init; } = 0.01;

    [Description("Whether samples that an earlier run put into quarantine, because they killed or stalled workers or their files are damaged, are tried again.")]
    public bool IgnoreQuarantine { get; init; }

    [Description("The file that remembers samples that killed or stalled workers or whose files are damaged, for all runs over the same data; null: quarantine/<dataset>.json beside the run's folder.")]
    [ConfigurationPath]
    public string? QuarantinePath { get; init; }

    /// <summary>The seed of the order and of every sample's randomness.</summary>
    public long Seed { get; init; }

    /// <summary>A seed for each epoch, in place of <see cref="Seed"/>; null takes that for all.</summary>
    public IReadOnlyList<long>? EpochSeeds { get; init; }

    /// <summary>Whether each epoch has a permutation of its own; otherwise the dataset's order.</summary>
    public bool Shuffle { get; init; }

    /// <summary>What becomes of an incomplete last batch: <see cref="DropLast"/> and <see cref="FillLast"/> in one word.</summary>
    public LastBatch LastBatch
    {
        get => DropLast ? LastBatch.Drop : FillLast ? LastBatch.Fill : LastBatch.Keep;
        init => (DropLast, FillLast) = (value == LastBatch.Drop, value == LastBatch.Fill);
    }

    /// <summary>How many times an epoch goes through the dataset, each time with other randomness; at least 1.</summary>
    public int EnlargeRatio { get; init; } = 1;

    /// <summary>This process's rank, from 0.</summary>
    public int Rank { get; init; }

    /// <summary>The number of ranks that share each epoch, at least 1.</summary>
    public int WorldSize { get; init; } = 1;

    /// <summary>What of an epoch a rank takes.</summary>
    public RankShare RankShare { get; init; }

    /// <summary>How long a worker may take to start.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The part of the data, as a split, to which the dataset's entries in <see cref="QuarantinePath"/> belong; null for none.</summary>
    public string? QuarantinePart { get; init; }

    /// <summary>Faults to inject; null for none.</summary>
    public FaultPlan? Faults { get; init; }

    /// <summary>Is told of what happens to workers and samples, from any thread, one event at a time; it must not call the loader.</summary>
    public Action<LoaderEvent>? Observer { get; init; }

    /// <summary>How process workers are started; null finds <c>robusttrain</c> beside this program.</summary>
    public WorkerCommand? WorkerCommand { get; init; }

    /// <summary>How long a stuck worker's stack may take to be read.</summary>
    internal TimeSpan StackTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most samples that this rank has of a batch.</summary>
    internal int SlotSamples => RankShare == RankShare.Positions ? (BatchSize + WorldSize - 1) / WorldSize : BatchSize;

    /// <summary>Whether the workers, if there are any, are processes.</summary>
    internal bool HasProcessWorkers => WorkerKind == WorkerKind.Process && NumWorkers != 0;

    /// <summary>The samples that may be skipped of so many.</summary>
    public int MaxSkippedOf(int samples) => (int)(MaxSkipped < 1 ? MaxSkipped * samples : MaxSkipped);

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

/// <summary>What becomes of a sample that can't be loaded, after it was tried again elsewhere.</summary>
public enum BadSamplePolicy
{
    /// <summary>The epoch ends with a <see cref="SampleException"/> where the sample is due.</summary>
    Fail,

    /// <summary>The batch goes without it, and the ledger names it; at most <see cref="LoaderOptions.MaxSkipped"/> of them.</summary>
    Skip,
}

/// <summary>What becomes of the samples at the end of an epoch that do not make a whole batch.</summary>
public enum LastBatch
{
    /// <summary>They are delivered as a smaller batch.</summary>
    Keep,

    /// <summary>They are left out of this epoch.</summary>
    Drop,

    /// <summary>The batch is filled up with samples from the beginning of the epoch.</summary>
    Fill,
}

/// <summary>What of an epoch a rank takes.</summary>
public enum RankShare
{
    /// <summary>A part of each batch: samples in a row. A batch of which it has none comes all the same, with no samples.</summary>
    Positions,

    /// <summary>Whole batches in a row.</summary>
    Batches,
}

/// <summary>What a loader's workers are.</summary>
public enum WorkerKind
{
    /// <summary>Threads of this process: the least cost.</summary>
    Thread,

    /// <summary>Processes that decode into shared memory: a crash or a hang in a decoder takes none but the worker. Linux only.</summary>
    Process,
}
