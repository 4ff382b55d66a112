namespace RobustTrain.Data.Loading.Ledger;

/// <summary>The account of an epoch: every sample was delivered once, or is named here with the reason.</summary>
public sealed record EpochLedger
{
    /// <summary>The epoch, from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>The batches delivered so far, those before the start of a resumed stream included.</summary>
    public required int Batches { get; init; }

    /// <summary>The samples delivered.</summary>
    public required int Delivered { get; init; }

    /// <summary>How often a sample was loaded again.</summary>
    public required int Retried { get; init; }

    /// <summary>The samples that were not delivered.</summary>
    public required int Skipped { get; init; }

    /// <summary>The samples in quarantine that the epoch met: put there now, or by an earlier epoch or run.</summary>
    public required int Quarantined { get; init; }

    /// <summary>How often a worker died or stood still.</summary>
    public required int WorkerFailures { get; init; }

    /// <summary>
    /// A chain of SHA-256 over the delivered batches: each link hashes the former digest and the indices (32-bit, little-endian) of a batch.
    /// Equal digests mean the same samples in the same order.
    /// </summary>
    public required string Digest { get; init; }

    /// <summary>The samples delivered by each worker.</summary>
    public required IReadOnlyDictionary<string, int> DeliveredBy { get; init; }

    /// <summary>The samples that were not simply delivered, in the order of events.</summary>
    public required IReadOnlyList<LedgerEntry> Entries { get; init; }
}

/// <summary>One sample that was not simply delivered.</summary>
/// <param name="Action">What became of it.</param>
/// <param name="SampleIndex">Its index in the dataset.</param>
/// <param name="Sample">Its name.</param>
/// <param name="Worker">The worker that had it; empty where none had.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record LedgerEntry(LedgerAction Action, int SampleIndex, string Sample, string Worker, string Reason);

/// <summary>What became of a sample that was not simply delivered.</summary>
public enum LedgerAction
{
    /// <summary>It was lost or failed at one worker and was loaded again.</summary>
    Retried,

    /// <summary>It was not delivered.</summary>
    Skipped,

    /// <summary>It was put into quarantine.</summary>
    Quarantined,
}
