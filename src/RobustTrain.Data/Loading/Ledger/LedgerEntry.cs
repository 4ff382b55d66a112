namespace RobustTrain.Data.Loading.Ledger;

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
