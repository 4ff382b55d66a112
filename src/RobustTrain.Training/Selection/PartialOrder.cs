namespace RobustTrain.Training.Selection;

/// <summary>
/// Compares as vectors: better is what is at least as good in every score and better in one. Two epochs of which each is better
/// in another score are not comparable; the earlier one then stays the best.
/// </summary>
/// <param name="scores">The scores.</param>
public sealed class PartialOrder(IReadOnlyList<ComparedScore> scores) : IScoreOrder
{
    /// <inheritdoc/>
    public bool IsBetter(IReadOnlyDictionary<string, double> candidate, IReadOnlyDictionary<string, double> best)
    {
        bool better = false;
        foreach (ComparedScore score in scores)
        {
            int comparison = score.Goodness(candidate).CompareTo(score.Goodness(best));
            if (comparison < 0)
                return false;
            better |= comparison > 0;
        }

        return better;
    }
}
