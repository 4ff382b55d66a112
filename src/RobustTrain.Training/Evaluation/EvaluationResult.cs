using RobustTrain.Training.Metrics;

namespace RobustTrain.Training.Evaluation;

/// <summary>The scores of a network on a data set.</summary>
/// <param name="Split">The split: validation, test or training.</param>
/// <param name="Aggregated">The scores of all samples together.</param>
/// <param name="Datapoints">What was counted in each sample, in the data set's order.</param>
public sealed record EvaluationResult(string Split, SegmentationScores Aggregated, IReadOnlyList<DatapointConfusion> Datapoints)
{
    /// <summary>The aggregated scores that are defined, by name.</summary>
    public IReadOnlyDictionary<string, double> Scores => Aggregated.Named();
}
