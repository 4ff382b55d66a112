using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training;

/// <summary>The loaders of a run, which tell one journal and remember bad samples in one file.</summary>
internal sealed class RunLoaders : IDisposable
{
    private readonly QuarantineState _quarantine;

    /// <summary>Opens the loaders; their workers start when the first batch is asked for.</summary>
    /// <param name="plan">What is loaded, and how.</param>
    /// <param name="run">The run.</param>
    /// <param name="journal">Is told of workers that fail and samples that can't be loaded.</param>
    /// <param name="cursor">Where the next batch of training is taken.</param>
    /// <exception cref="RunException">The workers that are asked for can't be had, or the quarantine can't be read.</exception>
    public RunLoaders(TrainingPlan plan, RunFolder run, IRunJournal journal, Func<TrainingCursor> cursor)
    {
        string? quarantinePath = QuarantineLocation.Of(plan.Config, run.Path);
        Prefetcher = Prefetcher.Create(plan.Config.Loader, plan.Device, plan.Task.Fields);
        _quarantine = new QuarantineState(cursor);
        Training = plan.OpenTrainingLoader(journal, quarantinePath);
        _quarantine.Add(SplitNames.Of(DatasetSplit.Train), Training.Quarantine, isTraining: true);
        Evaluation = new EvaluationLoaders(plan.Config.Loader, journal, quarantinePath, _quarantine);
        // The file is read once, at the run's beginning: what other runs add meanwhile is for later ones.
        Evaluation.For(SplitNames.Of(DatasetSplit.Val), plan.Data.Validation);
        Evaluation.For(SplitNames.Of(DatasetSplit.Test), plan.Data.Test);
    }

    /// <summary>The loader of the training split.</summary>
    public PrefetchLoader Training { get; }

    /// <summary>The loaders of validation and test.</summary>
    public EvaluationLoaders Evaluation { get; }

    /// <summary>The samples that the loaders go without.</summary>
    public ICheckpointState Quarantine => _quarantine;

    /// <summary>Brings the batches of training to the device.</summary>
    public Prefetcher Prefetcher { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Prefetcher.Dispose();
        Training.Dispose();
        Evaluation.Dispose();
    }
}
