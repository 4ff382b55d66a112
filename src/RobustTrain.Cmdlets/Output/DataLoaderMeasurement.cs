using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>What a loader achieved over one epoch without a training, as Measure-DataLoader writes it.</summary>
public sealed record DataLoaderMeasurement
{
    /// <summary>What the workers were: thread or process.</summary>
    public required string WorkerKind { get; init; }

    /// <summary>How many workers there were at the end; 0 loads where the batches are used.</summary>
    public required int Workers { get; init; }

    /// <summary>The epoch, from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>Samples delivered a second, the wait for the first batch left out; null where there was one batch only, which tells no rate.</summary>
    public required double? SamplesPerSecond { get; init; }

    /// <summary>From asking for the first batch to having it; in the first epoch that includes the workers' start.</summary>
    public required double FirstBatchMilliseconds { get; init; }

    /// <summary>Microseconds a batch that the loader itself took where batches are used: publishing what comes next, taking over what is done, giving back; neither waiting for samples nor loading them; null where there was no batch.</summary>
    public required double? OverheadMicroseconds { get; init; }

    /// <summary>The largest resident memory of a process worker; null for threads.</summary>
    public long? WorkerMemoryBytes { get; init; }

    /// <summary>The memory of the batches that are decoded ahead.</summary>
    public required long RingBytes { get; init; }

    /// <summary>The longest wait for a batch after the first; null where there was none after it.</summary>
    public required double? LongestWaitMilliseconds { get; init; }

    /// <summary>The share of the time that waited for batches, 0 to 100; near 100, since nothing else is done here.</summary>
    public required double DataWaitPercent { get; init; }

    /// <summary>Reading files, summed over workers.</summary>
    public required double ReadSeconds { get; init; }

    /// <summary>Decoding, summed over workers.</summary>
    public required double DecodeSeconds { get; init; }

    /// <summary>Augmenting, summed over workers.</summary>
    public required double AugmentSeconds { get; init; }

    /// <summary>Workers waiting for a free slot, summed.</summary>
    public required double SlotWaitSeconds { get; init; }

    /// <summary>Samples delivered.</summary>
    public required int Delivered { get; init; }

    /// <summary>How often a sample was loaded again.</summary>
    public required int Retried { get; init; }

    /// <summary>Samples that were not delivered and are named with the reason.</summary>
    public required int Skipped { get; init; }

    /// <summary>Samples in quarantine.</summary>
    public required int Quarantined { get; init; }

    /// <summary>Samples that were neither delivered nor named: 0, or the loader has failed its promise.</summary>
    public required int Lost { get; init; }

    /// <summary>How often a worker died or stood still; each was replaced.</summary>
    public required int WorkerFailures { get; init; }

    /// <summary>SHA-256 over what was delivered, in its order: equal digests mean the same samples in the same order.</summary>
    public required string Digest { get; init; }

    internal static DataLoaderMeasurement From(LoaderMeasured measured) => new()
    {
        WorkerKind = measured.WorkerKind,
        Workers = measured.Workers,
        Epoch = measured.Epoch,
        SamplesPerSecond = measured.SamplesPerSecond,
        FirstBatchMilliseconds = measured.FirstBatchMilliseconds,
        OverheadMicroseconds = measured.OverheadMicroseconds,
        WorkerMemoryBytes = measured.WorkerMemoryBytes,
        RingBytes = measured.RingBytes,
        LongestWaitMilliseconds = measured.LongestWaitMilliseconds,
        DataWaitPercent = 100 * measured.ConsumerWaitShare,
        ReadSeconds = measured.ReadSeconds,
        DecodeSeconds = measured.DecodeSeconds,
        AugmentSeconds = measured.AugmentSeconds,
        SlotWaitSeconds = measured.WorkerWaitSeconds,
        Delivered = measured.Delivered,
        Retried = measured.Retried,
        Skipped = measured.Skipped,
        Quarantined = measured.Quarantined,
        Lost = measured.Lost,
        WorkerFailures = measured.WorkerFailures,
        Digest = measured.Digest,
    };
}
