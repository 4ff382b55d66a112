namespace RobustTrain.Data.Loading.Ledger;

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
