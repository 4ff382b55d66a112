namespace RobustTrain.Training.Selection;

/// <summary>Decides which of two epochs is better by their scores.</summary>
public interface IScoreOrder
{
    /// <summary>Whether <paramref name="candidate"/> is strictly better than <paramref name="best"/>.</summary>
    bool IsBetter(IReadOnlyDictionary<string, double> candidate, IReadOnlyDictionary<string, double> best);
}
