using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>What a loader achieved over one epoch without a training, as Measure-DataLoader writes it.</summary>
public sealed record DataLoaderMeasurement
{
    private readonly LoaderMeasured _measured;

    internal DataLoaderMeasurement(LoaderMeasured measured) => _measured = measured;

    /// <summary>What the workers were: thread or process.</summary>
    public string WorkerKind => _measured.WorkerKind;

    /// <summary>How many workers there were at the end; 0 loads where the batches are used.</summary>
    public int Workers => _measured.Workers;

    /// <summary>The epoch, from 0.</summary>
    public int Epoch => _measured.Epoch;

    /// <summary>Samples delivered a second, the wait for the first batch left out; null where there was one batch only, which tells no rate.</summary>
    public double? SamplesPerSecond => _measured.SamplesPerSecond;

    /// <summary>From asking for the first batch to having it; in the first epoch that includes the workers' start.</summary>
    public double FirstBatchMilliseconds => _measured.FirstBatchMilliseconds;

    /// <summary>Microseconds a batch that the loader itself took where batches are used: publishing what comes next, taking over what is done, giving back; neither waiting for samples nor loading them; null where there was no batch.</summary>
    public double? OverheadMicroseconds => _measured.OverheadMicroseconds;

    /// <summary>The largest resident memory of a process worker; null for threads.</summary>
    public long? WorkerMemoryBytes => _measured.WorkerMemoryBytes;

    /// <summary>The memory of the batches that are decoded ahead.</summary>
    public long RingBytes => _measured.RingBytes;

    /// <summary>The longest wait for a batch after the first; null where there was none after it.</summary>
    public double? LongestWaitMilliseconds => _measured.LongestWaitMilliseconds;

    /// <summary>The share of the time that waited for batches, 0 to 100; near 100, since nothing else is done here.</summary>
    public double DataWaitPercent => 100 * _measured.ConsumerWaitShare;

    /// <summary>Reading files, summed over workers.</summary>
    public double ReadSeconds => _measured.ReadSeconds;

    /// <summary>Decoding, summed over workers.</summary>
    public double DecodeSeconds => _measured.DecodeSeconds;

    /// <summary>Augmenting, summed over workers.</summary>
    public double AugmentSeconds => _measured.AugmentSeconds;

    /// <summary>Workers waiting for a free slot, summed.</summary>
    public double SlotWaitSeconds => _measured.WorkerWaitSeconds;

    /// <summary>Samples delivered.</summary>
    public int Delivered => _measured.Delivered;

    /// <summary>How often a sample was loaded again.</summary>
    public int Retried => _measured.Retried;

    /// <summary>Samples that were not delivered and are named with the reason.</summary>
    public int Skipped => _measured.Skipped;

    /// <summary>Samples in quarantine.</summary>
    public int Quarantined => _measured.Quarantined;

    /// <summary>Samples that were neither delivered nor named: 0, or the loader has failed its promise.</summary>
    public int Lost => _measured.Lost;

    /// <summary>How often a worker died or stood still; each was replaced.</summary>
    public int WorkerFailures => _measured.WorkerFailures;

    /// <summary>SHA-256 over what was delivered, in its order: equal digests mean the same samples in the same order.</summary>
    public string Digest => _measured.Digest;
}
