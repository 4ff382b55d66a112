namespace RobustTrain.Training.Selection;

/// <summary>A score by which epochs are compared.</summary>
/// <param name="Name">Its name among the scores.</param>
/// <param name="Direction">Which of two values is the better one.</param>
/// <param name="Weight">How much it counts in a weighted order.</param>
public sealed record ComparedScore(string Name, ScoreDirection Direction, double Weight)
{
    /// <summary>The value turned so that higher is better; where it is undefined, worse than any other.</summary>
    internal double Goodness(IReadOnlyDictionary<string, double> scores)
    {
        if (!scores.TryGetValue(Name, out double value) || double.IsNaN(value))
            return double.NegativeInfinity;
        return Direction == ScoreDirection.HigherIsBetter ? value : -value;
    }
}
