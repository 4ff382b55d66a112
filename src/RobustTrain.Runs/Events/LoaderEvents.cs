namespace RobustTrain.Runs.Events;

/// <summary>Something happened to a worker of the loader, or to a sample.</summary>
/// <param name="Kind">worker_ready, worker_died, worker_stuck, sample_failed, sample_retried, sample_skipped, sample_quarantined, quarantine_not_written, fell_back, workers_chosen, cache_damaged or cache_not_written.</param>
/// <param name="Message">One sentence for people.</param>
/// <param name="Worker">The worker's name, where one is concerned.</param>
/// <param name="ProcessId">The worker's process, where it is one.</param>
/// <param name="Epoch">The epoch that was loaded.</param>
/// <param name="SampleIndex">The sample's index in the dataset, where one is concerned.</param>
/// <param name="Sample">The sample's name, where one is concerned.</param>
public sealed record LoaderChanged(string Kind, string Message, string? Worker, int? ProcessId, int? Epoch, int? SampleIndex, string? Sample) : RunEvent
{
    /// <summary>The split that the loader loads: training, validation, test or a validation set's name; null where there is no training.</summary>
    public string? Split { get; init; }
}

/// <summary>A loader has gone through an epoch of training, a validation or a test.</summary>
/// <param name="Epoch">The training's epoch, from 0.</param>
/// <param name="Split">training, validation, test or a validation set's name.</param>
/// <param name="Loader">What the loader did.</param>
public sealed record LoaderEpoch(int Epoch, string Split, LoaderFigures Loader) : RunEvent;

/// <summary>A loader was measured over one epoch without a training.</summary>
/// <param name="WorkerKind">thread or process.</param>
/// <param name="Workers">How many workers.</param>
/// <param name="SamplesPerSecond">Samples delivered a second; null where there was one batch only, which tells no rate.</param>
/// <param name="FirstBatchMilliseconds">From opening the stream to its first batch.</param>
/// <param name="OverheadMicroseconds">Microseconds a batch that the loader itself took where batches are used: publishing what comes next, taking over what is done, giving back; neither waiting for samples nor loading them; null where there was no batch.</param>
/// <param name="WorkerMemoryBytes">The largest resident memory of a process worker, the ring that all share left out.</param>
/// <param name="RingBytes">The memory of the ring.</param>
/// <param name="LongestWaitMilliseconds">The longest wait for a batch after the first; null where there was none after it.</param>
/// <param name="ReadSeconds">Reading files, summed over workers.</param>
/// <param name="DecodeSeconds">Decoding, summed over workers.</param>
/// <param name="AugmentSeconds">Augmenting, summed over workers.</param>
/// <param name="WorkerWaitSeconds">Workers waiting for a free slot, summed.</param>
/// <param name="ConsumerWaitShare">The share of the time that the consumer waited, 0 to 1.</param>
/// <param name="Delivered">Samples delivered.</param>
/// <param name="Retried">How often a sample was loaded again.</param>
/// <param name="Skipped">Samples that were not delivered.</param>
/// <param name="Quarantined">Samples put into quarantine.</param>
/// <param name="WorkerFailures">How often a worker died or stood still.</param>
/// <param name="Digest">The digest of what was delivered, in its order.</param>
public sealed record LoaderMeasured(
    string WorkerKind,
    int Workers,
    double? SamplesPerSecond,
    double FirstBatchMilliseconds,
    double? OverheadMicroseconds,
    long? WorkerMemoryBytes,
    long RingBytes,
    double? LongestWaitMilliseconds,
    double ReadSeconds,
    double DecodeSeconds,
    double AugmentSeconds,
    double WorkerWaitSeconds,
    double ConsumerWaitShare,
    int Delivered,
    int Retried,
    int Skipped,
    int Quarantined,
    int WorkerFailures,
    string Digest) : RunEvent
{
    /// <summary>The epoch that was loaded, from 0.</summary>
    public int Epoch { get; init; }

    /// <summary>Samples that were neither delivered nor named in the ledger: none, or the loader has failed its promise.</summary>
    public int Lost { get; init; }
}

/// <summary>A loader's measurement goes on.</summary>
/// <param name="WorkerKind">thread or process.</param>
/// <param name="Workers">How many workers were asked for; null where the loader finds the number.</param>
/// <param name="Done">Samples delivered in all epochs of this measurement.</param>
/// <param name="Total">Samples of all epochs.</param>
public sealed record LoaderProgress(string WorkerKind, int? Workers, int Done, int Total) : RunEvent;

/// <summary>What a loader did in an epoch, as far as this process has worked on it, and the account of the whole epoch.</summary>
/// <param name="WorkerKind">thread or process.</param>
/// <param name="Workers">How many workers there were at the end.</param>
/// <param name="Batches">Batches delivered.</param>
/// <param name="Samples">Samples loaded.</param>
/// <param name="ReadSeconds">Reading files, summed over workers.</param>
/// <param name="DecodeSeconds">Decoding, summed over workers.</param>
/// <param name="AugmentSeconds">Augmenting, summed over workers.</param>
/// <param name="SlotWaitSeconds">Workers waiting for a free slot, summed over workers.</param>
/// <param name="ConsumerWaitSeconds">The trainer waiting for a batch.</param>
/// <param name="ConsumerWaitShare">The same as a share of the time from the first batch's request to the last batch's end, 0 to 1.</param>
/// <param name="FirstBatchSeconds">From opening the stream to its first batch.</param>
/// <param name="Delivered">Samples delivered in the epoch.</param>
/// <param name="Retried">How often a sample was loaded again.</param>
/// <param name="Skipped">Samples that were not delivered; the ledger names them.</param>
/// <param name="Quarantined">Samples in quarantine that the epoch met.</param>
/// <param name="WorkerFailures">How often a worker died or stood still.</param>
/// <param name="Digest">The digest of what was delivered, in its order.</param>
public sealed record LoaderFigures(
    string WorkerKind,
    int Workers,
    int Batches,
    long Samples,
    double ReadSeconds,
    double DecodeSeconds,
    double AugmentSeconds,
    double SlotWaitSeconds,
    double ConsumerWaitSeconds,
    double ConsumerWaitShare,
    double FirstBatchSeconds,
    int Delivered,
    int Retried,
    int Skipped,
    int Quarantined,
    int WorkerFailures,
    string Digest);
