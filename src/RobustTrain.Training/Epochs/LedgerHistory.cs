using System.Text.Json;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Epochs;

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

    // Totals are for people; a ledger that somebody has taken away is missed there and nowhere else.
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
