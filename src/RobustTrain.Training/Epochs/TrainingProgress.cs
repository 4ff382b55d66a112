using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Steps;

namespace RobustTrain.Training.Epochs;

/// <summary>How far the training is: the cursor, and the losses of the epoch that is under way.</summary>
internal sealed class TrainingProgress : ICheckpointState
{
    private const string StateKey = "progress";

    private readonly List<float> _losses = [];
    private readonly List<double> _learningRates = [];

    /// <summary>Where the next batch is taken.</summary>
    public TrainingCursor Cursor { get; private set; } = TrainingCursor.Start;

    /// <summary>The step at which the present stage of the training has begun.</summary>
    public long StageStep { get; private set; }

    /// <summary>The losses of the epoch's steps so far.</summary>
    public IReadOnlyList<float> Losses => _losses;

    /// <summary>The learning rates of the epoch's steps so far.</summary>
    public IReadOnlyList<double> LearningRates => _learningRates;

    /// <summary>The mean of the epoch's losses so far, those that are not finite left out; NaN where there is none.</summary>
    public double MeanLoss => _losses.Where(float.IsFinite).Select(loss => (double)loss).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Whether no epoch is to follow although there would be more.</summary>
    public bool EndsEarly { get; set; }

    /// <summary>Takes note of a step.</summary>
    public void Add(StepResult step)
    {
        _losses.Add(step.Loss);
        _learningRates.Add(step.LearningRate);
        Cursor = Cursor with { Batch = step.NextBatch, GlobalStep = Cursor.GlobalStep + 1 };
    }

    /// <summary>Goes to the epoch's end, past batches whose samples were all skipped.</summary>
    public void ReachEnd(int batchCount) => Cursor = Cursor with { Batch = batchCount };

    /// <summary>Goes to the beginning of the next epoch.</summary>
    public void BeginNextEpoch()
    {
        _losses.Clear();
        _learningRates.Clear();
        Cursor = Cursor with { Epoch = Cursor.Epoch + 1, Batch = 0 };
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft) => draft.Set(StateKey, new State(Cursor, EndsEarly, _losses, _learningRates, StageStep));

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        State state = archive.Get<State>(StateKey);
        Cursor = state.Cursor;
        EndsEarly = state.EndsEarly;
        StageStep = state.StageStep;
        _losses.Clear();
        _losses.AddRange(state.Losses);
        _learningRates.Clear();
        _learningRates.AddRange(state.LearningRates);
    }

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former)
    {
        Load(former);
        StageStep = Cursor.GlobalStep;
    }

    // Checkpoints of before there were stages have no step at which one began.
    private sealed record State(TrainingCursor Cursor, bool EndsEarly, IReadOnlyList<float> Losses, IReadOnlyList<double> LearningRates, long StageStep = 0);
}
