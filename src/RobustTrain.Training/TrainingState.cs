using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Epochs;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Steps;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training;

/// <summary>All of a training that a checkpoint holds, at its beginning until a checkpoint is loaded.</summary>
internal sealed class TrainingState : IDisposable
{
    /// <summary>Builds the state.</summary>
    /// <param name="plan">The training.</param>
    /// <param name="run">The run.</param>
    /// <param name="journal">Is told of workers that fail, samples that can't be loaded, and losses that go wrong.</param>
    /// <exception cref="RunException">The network doesn't fit into memory, or the workers that are asked for can't be had.</exception>
    public TrainingState(TrainingPlan plan, RunFolder run, IRunJournal journal)
    {
        try
        {
            Learner = Learner.Of(plan.CreateModel(), plan.Config);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory("the network and its optimiser; make model.base_channels smaller", failed);
        }

        Loaders = new RunLoaders(plan, run, journal, () => Cursor);
        Selector = new BestModelSelector(plan.CreateOrder(), plan.Config.Selection.Patience);
        Guard = new NumericGuard(plan.Config.Numerics, journal);
        LossSetup = plan.Task.CreateLossSetup();
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
    public MicroBatchSize MicroBatch { get; } = new();

    /// <summary>What the loss takes from the training data.</summary>
    public ILossSetup LossSetup { get; }

    /// <summary>Where the next batch is taken.</summary>
    public TrainingCursor Cursor => Progress.Cursor;

    /// <summary>The parts of a checkpoint.</summary>
    public IReadOnlyList<ICheckpointState> Parts =>
        [.. Learner.States, Progress, Ledger, Loaders.Quarantine, Selector, Guard, MicroBatch, LossSetup];

    /// <inheritdoc/>
    public void Dispose()
    {
        Loaders.Dispose();
        Learner.Dispose();
    }
}
