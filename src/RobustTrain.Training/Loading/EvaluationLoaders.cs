using RobustTrain.Data;
using RobustTrain.Data.Ordering;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Distributed;

namespace RobustTrain.Training.Loading;

/// <summary>The loaders of validation and test: one for each split, whose workers live on from pass to pass, watched as the training's are.</summary>
/// <param name="config">The loader's keys.</param>
/// <param name="journal">Is told of workers that fail and samples that can't be loaded.</param>
/// <param name="quarantinePath">The file that remembers such samples; null for none.</param>
/// <param name="quarantine">Keeps their quarantine in checkpoints; null where there are none.</param>
/// <param name="ranks">Each loads as many whole batches, since a sample's scores may depend on those beside it; null for this process alone.</param>
internal sealed class EvaluationLoaders(LoaderOptions config, IRunJournal journal, string? quarantinePath, QuarantineState? quarantine, Ranks? ranks = null) : IDisposable
{
    private readonly LoaderOptions _options = config with
    {
        BatchSize = config.EvalBatchSize, LastBatch = LastBatch.Keep, Rank = ranks?.Rank ?? 0, WorldSize = ranks?.Size ?? 1, RankShare = RankShare.Batches,
    };
    private readonly Lock _gate = new();
    private readonly Dictionary<string, PrefetchLoader> _loaders = new(StringComparer.Ordinal);

    /// <summary>What the workers are.</summary>
    public WorkerKind WorkerKind => _options.WorkerKind;

    /// <summary>The loader of a split, opened when it is first asked for.</summary>
    /// <param name="split">The split's name for people and events.</param>
    /// <param name="dataset">Its samples.</param>
    /// <exception cref="RunException">The workers that are asked for can't be had, or the quarantine can't be read.</exception>
    public PrefetchLoader For(string split, IDataset dataset)
    {
        lock (_gate)
        {
            if (!_loaders.TryGetValue(split, out PrefetchLoader? loader))
            {
                loader = LoaderSettings.Open(dataset, _options with
                {
                    Observer = LoaderJournal.ObserverFor(journal, split),
                    QuarantinePath = quarantinePath,
                    QuarantinePart = split,
                });
                quarantine?.Add(split, loader.Quarantine, isTraining: false);
                _loaders.Add(split, loader);
            }

            return loader;
        }
    }

    /// <summary>The samples of a dataset that this rank loads.</summary>
    public int CountOf(IDataset dataset)
    {
        EpochPlan plan = new(dataset.Count, _options, epoch: 0);
        return Enumerable.Range(0, plan.BatchCount).Sum(plan.CountOf);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (PrefetchLoader loader in _loaders.Values)
                loader.Dispose();
            _loaders.Clear();
        }
    }
}

/// <summary>What the configuration's loader keys mean to the loader.</summary>
internal static class LoaderSettings
{
    /// <summary>Opens a loader whose options come from the configuration.</summary>
    /// <exception cref="RunException">The workers that are asked for can't be had, or the quarantine can't be read.</exception>
    public static PrefetchLoader Open(IDataset dataset, LoaderOptions options)
    {
        PrefetchLoader? loader = null;
        Try(() => loader = new PrefetchLoader(dataset, options));
        return loader!;
    }

    /// <summary>Words what a loader refuses as an error of the configuration.</summary>
    /// <exception cref="RunException">The loader refuses.</exception>
    public static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (LoaderException refused)
        {
            throw new RunException(ExitCode.Configuration, "LoaderNotUsable", refused.Message, "loader", refused);
        }
    }
}
