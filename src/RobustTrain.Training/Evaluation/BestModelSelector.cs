using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Evaluation;

/// <summary>Knows the best epoch so far; of epochs that are no better than each other the earlier.</summary>
/// <param name="order">How epochs are compared.</param>
/// <param name="patience">Epochs that may pass without a better one; null for any number.</param>
internal sealed class BestModelSelector(IScoreOrder order, int? patience) : ICheckpointState
{
    private const string StateKey = "best";

    /// <summary>The best epoch so far; null before the first validation.</summary>
    public BestEpoch? Best { get; private set; }

    /// <summary>Looks at an epoch's scores.</summary>
    /// <returns>Whether they are the best so far.</returns>
    public bool Consider(int epoch, IReadOnlyDictionary<string, double> scores)
    {
        if (Best is { } best && !order.IsBetter(scores, best.Scores))
            return false;
        Best = new BestEpoch(epoch, scores);
        return true;
    }

    /// <summary>Whether so many epochs have passed without a better one that none is awaited any more.</summary>
    public bool IsPatienceOver(int epoch) => patience is int epochs && Best is { } best && epoch - best.Epoch >= epochs;

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (Best is not null)
            draft.Set(StateKey, Best);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => Best = archive.Find<BestEpoch>(StateKey);

    /// <summary>An epoch and its scores.</summary>
    internal sealed record BestEpoch(int Epoch, IReadOnlyDictionary<string, double> Scores);
}
