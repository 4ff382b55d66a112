namespace RobustTrain.Training.Selection;

/// <summary>Compares by the weighted sum of scores, each turned so that higher is better. An undefined score is worse than any sum.</summary>
/// <param name="scores">The scores and their weights.</param>
public sealed class WeightedOrder(IReadOnlyList<ComparedScore> scores) : IScoreOrder
{
    /// <inheritdoc/>
    public bool IsBetter(IReadOnlyDictionary<string, double> candidate, IReadOnlyDictionary<string, double> best) => Sum(candidate) > Sum(best);

    // A weight of 0 takes a score out, undefined or not.
    private double Sum(IReadOnlyDictionary<string, double> values) =>
        scores.Where(score => score.Weight != 0).Sum(score => score.Weight * score.Goodness(values));
}
