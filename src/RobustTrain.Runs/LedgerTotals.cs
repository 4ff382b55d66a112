namespace RobustTrain.Runs;

/// <summary>What became of the training samples of all complete epochs of a run.</summary>
/// <param name="Delivered">Samples delivered.</param>
/// <param name="Retried">How often a sample was loaded again.</param>
/// <param name="Skipped">Samples that were not delivered; the epochs' ledgers name them.</param>
/// <param name="Quarantined">How often an epoch met a sample in quarantine.</param>
/// <param name="WorkerFailures">How often a worker died or stood still.</param>
public sealed record LedgerTotals(long Delivered, long Retried, long Skipped, long Quarantined, long WorkerFailures)
{
    /// <summary>Of no epoch.</summary>
    public static LedgerTotals None { get; } = new(0, 0, 0, 0, 0);
}
