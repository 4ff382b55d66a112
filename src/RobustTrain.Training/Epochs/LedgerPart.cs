using RobustTrain.Data.Loading;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Epochs;

/// <summary>
/// The account of what was delivered: within an epoch the whole of it, to go on with; after it the digest, by which two runs
/// can be told to have learned from the same samples in the same order.
/// </summary>
internal sealed class LedgerPart : ICheckpointPart
{
    private const string StateKey = "ledger";
    private const string DigestKey = "ledger_digest";

    private string? _digest;

    /// <summary>The account of the epoch that is under way, up to the cursor; null before its first step.</summary>
    public EpochLedger? Current { get; private set; }

    /// <summary>Takes note of the account after a step.</summary>
    public void Update(EpochLedger ledger) => Current = ledger;

    /// <summary>Closes the epoch's account.</summary>
    /// <returns>It; null where nothing was delivered.</returns>
    public EpochLedger? Close()
    {
        EpochLedger? closed = Current;
        _digest = closed?.Digest;
        Current = null;
        return closed;
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (Current is not null)
            draft.Set(StateKey, Current);
        if (_digest is not null)
            draft.Set(DigestKey, _digest);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        Current = archive.Find<EpochLedger>(StateKey);
        _digest = archive.Find<string>(DigestKey);
    }
}
