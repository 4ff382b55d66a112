using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Loop;

/// <summary>All of a training that a checkpoint holds, at its beginning until a checkpoint is loaded.</summary>
internal sealed class TrainingState : IDisposable
{
    /// <summary>Builds the state.</summary>
    /// <param name="plan">The training.</param>
    /// <param name="run">The run; null at all ranks but the first.</param>
    /// <param name="ranks">The ranks, which share batches.</param>
    /// <param name="journal">Is told of workers that fail, samples that can't be loaded, and losses that go wrong.</param>
    /// <exception cref="RunException">The network doesn't fit into memory, or the workers that are asked for can't be had.</exception>
    public TrainingState(TrainingPlan plan, RunFolder? run, Ranks ranks, IRunJournal journal)
    {
        try
        {
            Learner = Learner.Of(plan.CreateModel(), plan.Config);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory("the network and its optimiser; make model.base_channels smaller", failed);
        }

        string path = ranks.FromFirst(new CollectivePurpose("run", 0), () => run!.Path);
        Loaders = new RunLoaders(plan, path, ranks, journal, () => Cursor);
        Selector = new BestModelSelector(plan.CreateOrder(), plan.Config.Selection.Patience);
        Guard = new NumericGuard(plan.Config.Numerics, journal);
        LossSetup = plan.Task.CreateLossSetup();
        MicroBatch = new MicroBatchSize(plan.Config.Trainer.MicroBatch);
        LossScale = new LossScale(plan.Config.Trainer.Precision == "fp16");
    }

    /// <summary>The network and what changes it.</summary>
    public Learner Learner { get; }

    /// <summary>The loaders, whose quarantine is state.</summary>
    public RunLoaders Loaders { get; }

    /// <summary>The cursor, and the epoch's losses so far.</summary>
    public TrainingProgress Progress { get; } = new();

    /// <summary>The account of the epoch's samples so far.</summary>
    public LedgerState Ledger { get; } = new();

    /// <summary>The best epoch so far.</summary>
    public BestModelSelector Selector { get; }

    /// <summary>The recent losses, which tell a spike, and the numeric failures so far.</summary>
    public NumericGuard Guard { get; }

    /// <summary>How many samples fit into memory.</summary>
    public MicroBatchSize MicroBatch { get; }

    /// <summary>What losses are multiplied by before their gradients are taken.</summary>
    public LossScale LossScale { get; }

    /// <summary>What the loss takes from the training data.</summary>
    public ILossSetup LossSetup { get; }

    /// <summary>Where the next batch is taken.</summary>
    public TrainingCursor Cursor => Progress.Cursor;

    /// <summary>The parts of a checkpoint.</summary>
    public IReadOnlyList<ICheckpointState> Parts =>
        [.. Learner.States, Progress, Ledger, Loaders.Quarantine, Selector, Guard, MicroBatch, LossScale, LossSetup];

    /// <summary>Makes the loss, which the caller disposes. What it has to know of the training data it learns from all of them, at each rank.</summary>
    public ITrainingLoss CreateLoss(TrainingPlan plan, Ranks ranks)
    {
        if (ranks.IsAlone)
            return LossSetup.Create(Loaders.Training, plan.Device);
        using PrefetchLoader whole = plan.OpenTrainingLoader();
        return LossSetup.Create(whole, plan.Device);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Loaders.Dispose();
        Learner.Dispose();
        LossSetup.Dispose();
    }
}

/// <summary>The loaders of a run, which tell one journal and remember bad samples in one file.</summary>
internal sealed class RunLoaders : IDisposable
{
    private readonly QuarantineState _quarantine;

    /// <summary>Opens the loaders; their workers start when the first batch is asked for.</summary>
    /// <param name="plan">What is loaded, and how.</param>
    /// <param name="run">The run's folder.</param>
    /// <param name="ranks">The ranks, each of which loads its part.</param>
    /// <param name="journal">Is told of workers that fail and samples that can't be loaded.</param>
    /// <param name="cursor">Where the next batch of training is taken.</param>
    /// <exception cref="RunException">The workers that are asked for can't be had, or the quarantine can't be read.</exception>
    public RunLoaders(TrainingPlan plan, string run, Ranks ranks, IRunJournal journal, Func<TrainingCursor> cursor)
    {
        string? quarantinePath = QuarantineLocation.Of(plan.Config, run);
        Prefetcher = Prefetcher.Create(plan.Config.Loader, plan.Device, plan.Task.Fields);
        _quarantine = new QuarantineState(cursor, plan.HasFormerData);
        Training = plan.OpenTrainingLoader(journal, quarantinePath, ranks);
        _quarantine.Add(SplitNames.Of(DatasetSplit.Train), Training.Quarantine, isTraining: true);
        Evaluation = new EvaluationLoaders(plan.Config.Loader, journal, quarantinePath, _quarantine, ranks);
        // The file is read once, at the run's beginning: what other runs add meanwhile is for later ones.
        Evaluation.For(SplitNames.Of(DatasetSplit.Val), plan.Data.Validation);
        Evaluation.For(SplitNames.Of(DatasetSplit.Test), plan.Data.Test);
    }

    /// <summary>The loader of the training split.</summary>
    public PrefetchLoader Training { get; }

    /// <summary>The loaders of validation and test.</summary>
    public EvaluationLoaders Evaluation { get; }

    /// <summary>The samples that the loaders go without.</summary>
    public QuarantineState Quarantine => _quarantine;

    /// <summary>Goes on at all ranks with the quarantine of the first one.</summary>
    public void Share(Ranks ranks) => _quarantine.Share(ranks);

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
