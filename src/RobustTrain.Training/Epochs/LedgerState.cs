using System.Text.Json;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Epochs;

/// <summary>
/// The account of what was delivered: within an epoch the whole of it, to go on with; after it the digest, by which two runs
/// can be told to have learned from the same samples in the same order.
/// </summary>
internal sealed class LedgerState : ICheckpointState
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

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former) => Load(former);
}

/// <summary>Adds up the ledgers of a run's epochs.</summary>
/// <param name="run">The run.</param>
internal sealed class LedgerHistory(RunFolder run)
{
    private LedgerTotals _totals = LedgerTotals.None;

    /// <summary>Begins with the epochs before one, whose ledgers stand in their folders: all of them, once a checkpoint of that epoch is on disk.</summary>
    public void GoOnAt(int epoch) =>
        _totals = Enumerable.Range(0, epoch).Select(before => Read(Path.Combine(run.EpochFolder(before), EpochRecord.LedgerFile))).Aggregate(LedgerTotals.None, Sum);

    /// <summary>Adds the epoch that has just ended.</summary>
    /// <param name="ledger">Its ledger; null where nothing was delivered.</param>
    /// <returns>The totals with it. Its own file may not be on disk yet.</returns>
    public LedgerTotals Add(EpochLedger? ledger) => _totals = Sum(_totals, ledger);

    // Totals are only shown to people. A ledger that is gone from its folder is left out of them, and nothing else depends on it.
    private static EpochLedger? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<EpochLedger>(File.ReadAllBytes(path), CheckpointJson.Options);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static LedgerTotals Sum(LedgerTotals totals, EpochLedger? ledger) => ledger is null ? totals : new LedgerTotals(
        totals.Delivered + ledger.Delivered, totals.Retried + ledger.Retried, totals.Skipped + ledger.Skipped,
        totals.Quarantined + ledger.Quarantined, totals.WorkerFailures + ledger.WorkerFailures);
}
