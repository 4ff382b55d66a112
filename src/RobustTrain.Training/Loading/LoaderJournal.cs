using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Runs.Events;

namespace RobustTrain.Training.Loading;

/// <summary>Writes what happens in a loader into a journal.</summary>
public static class LoaderJournal
{
    /// <summary>An observer for a loader's options.</summary>
    /// <param name="journal">Takes the events.</param>
    /// <param name="split">What the loader loads.</param>
    public static Action<LoaderEvent> ObserverFor(IRunJournal journal, string split) => happened => journal.Write(Of(happened) with { Split = split });

    /// <summary>A loader's event as the journal has it, its kind in snake case.</summary>
    public static LoaderChanged Of(LoaderEvent happened) => new(
        JsonNamingPolicy.SnakeCaseLower.ConvertName(happened.Kind.ToString()), happened.Message, happened.Worker, happened.ProcessId, happened.Epoch, happened.SampleIndex, happened.Sample);

    /// <summary>What datasets do with some of their files, as the journal has it: one warning for each kind.</summary>
    public static IReadOnlyList<RunWarning> WarningsOf(params IEnumerable<IDataset> datasets) =>
    [
        .. DatasetWarning.Merge(datasets.SelectMany(dataset => dataset.Warnings))
            .Select(warning => new RunWarning(warning.Message) { Kind = warning.Kind, Count = warning.Count, Files = warning.Files }),
    ];

    /// <summary>What a stream did, as the journal has it.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="kind">What the workers are.</param>
    /// <param name="account">What became of the samples, of all ranks; null takes the stream's own.</param>
    public static LoaderFigures FiguresOf(EpochStream stream, WorkerKind kind, EpochLedger? account = null)
    {
        LoaderStatistics times = stream.Statistics;
        EpochLedger ledger = account ?? stream.Ledger;
        return new LoaderFigures(
            kind.ToString().ToLowerInvariant(), times.Workers, times.Batches, times.Samples, times.ReadSeconds, times.DecodeSeconds, times.AugmentSeconds,
            times.WorkerWaitSeconds, times.ConsumerWaitSeconds, times.ConsumerWaitShare, times.FirstBatchSeconds,
            ledger.Delivered, ledger.Retried, ledger.Skipped, ledger.Quarantined, ledger.WorkerFailures, ledger.Digest);
    }
}
