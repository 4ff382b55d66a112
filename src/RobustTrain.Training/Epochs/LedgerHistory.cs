using System.Text.Json;
using RobustTrain.Data.Loading;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Epochs;

/// <summary>Adds up the ledgers of a run's epochs.</summary>
internal static class LedgerHistory
{
    /// <summary>The totals of an epoch and all before it, whose ledgers stand in their folders.</summary>
    /// <param name="run">The run.</param>
    /// <param name="epoch">The epoch that has just ended, from 0.</param>
    /// <param name="ledger">Its ledger; null where nothing was delivered.</param>
    public static LedgerTotals Totals(RunFolder run, int epoch, EpochLedger? ledger)
    {
        LedgerTotals totals = Add(LedgerTotals.None, ledger);
        for (int before = 0; before < epoch; before++)
            totals = Add(totals, Read(Path.Combine(run.EpochFolder(before), EpochRecord.LedgerFile)));
        return totals;
    }

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

    private static LedgerTotals Add(LedgerTotals totals, EpochLedger? ledger) => ledger is null ? totals : new LedgerTotals(
        totals.Delivered + ledger.Delivered, totals.Retried + ledger.Retried, totals.Skipped + ledger.Skipped,
        totals.Quarantined + ledger.Quarantined, totals.WorkerFailures + ledger.WorkerFailures);
}
