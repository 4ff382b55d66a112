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

    /// <summary>The account of an epoch of which nothing was delivered yet.</summary>
    public static EpochLedger Begin(int epoch) => new LedgerBook(epoch, former: null).Close([]);

    /// <summary>The account with one batch more.</summary>
    /// <param name="indices">The batch's samples, in their order.</param>
    /// <param name="by">Who delivered how many of them.</param>
    public EpochLedger Deliver(ReadOnlySpan<int> indices, IEnumerable<KeyValuePair<string, int>> by)
    {
        byte[] digest = Convert.FromHexString(Digest);
        LedgerBook.Chain(digest, indices);
        Dictionary<string, int> delivered = new(DeliveredBy);
        foreach ((string name, int count) in by.Where(part => part.Value > 0))
            delivered[name] = delivered.GetValueOrDefault(name) + count;
        return this with { Batches = Batches + 1, Delivered = Delivered + indices.Length, Digest = Convert.ToHexStringLower(digest), DeliveredBy = delivered };
    }

    /// <summary>The account with samples that were not simply delivered, and workers that failed.</summary>
    public EpochLedger Add(IReadOnlyCollection<LedgerEntry> entries, int workerFailures) => this with
    {
        Retried = Retried + entries.Count(entry => entry.Action == LedgerAction.Retried),
        Skipped = Skipped + entries.Count(entry => entry.Action == LedgerAction.Skipped),
        Quarantined = Quarantined + entries.Count(entry => entry.Action == LedgerAction.Quarantined),
        WorkerFailures = WorkerFailures + workerFailures,
        Entries = [.. Entries, .. entries],
    };
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
