using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Training.Selection;

/// <summary>Knows the best epoch so far by one score: the higher, the better; of equals the earlier.</summary>
/// <param name="metric">The score's name.</param>
internal sealed class BestModelSelector(string metric) : ICheckpointPart
{
    private const string StateKey = "best";

    private BestEpoch? _best;

    /// <summary>Looks at an epoch's scores.</summary>
    /// <returns>Whether they are the best so far; an undefined score is better than nothing only.</returns>
    public bool Consider(int epoch, IReadOnlyDictionary<string, double> scores)
    {
        double? score = scores.TryGetValue(metric, out double found) && !double.IsNaN(found) ? found : null;
        if (_best is { } best && !(score > (best.Score ?? double.NegativeInfinity)))
            return false;
        _best = new BestEpoch(epoch, score);
        return true;
    }

    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        if (_best is not null)
            draft.Set(StateKey, _best);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive) => _best = archive.Find<BestEpoch>(StateKey);

    private sealed record BestEpoch(int Epoch, double? Score);
}
