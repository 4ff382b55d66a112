namespace RobustTrain.Runs.Events;

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
