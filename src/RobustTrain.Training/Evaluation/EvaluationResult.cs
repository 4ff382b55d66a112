using RobustTrain.Training.Metrics;

namespace RobustTrain.Training.Evaluation;

/// <summary>The scores of a network on a data set.</summary>
/// <param name="Split">The split: validation, test or training.</param>
/// <param name="Aggregated">The scores of all samples together.</param>
/// <param name="Datapoints">What was counted in each sample, in the data set's order.</param>
public sealed record EvaluationResult(string Split, SegmentationScores Aggregated, IReadOnlyList<DatapointConfusion> Datapoints)
{
    /// <summary>The aggregated scores that are defined, by name; those of a set as <c>SET/f1</c>.</summary>
    public IReadOnlyDictionary<string, double> Scores { get; init; } = Aggregated.Named();

    /// <summary>The pixels of all samples together.</summary>
    public ConfusionMatrix Confusion => Sum(Datapoints);

    /// <summary>The same with scores for each set of samples. A set of which every sample was skipped has none.</summary>
    public EvaluationResult Of(IReadOnlyList<ValidationSet> sets)
    {
        Dictionary<string, double> scores = new(Aggregated.Named());
        foreach (ValidationSet set in sets)
        {
            foreach ((string name, double score) in SegmentationScores.Of(Sum(Datapoints.Where(datapoint => set.Samples.Contains(datapoint.Name)))).Named())
                scores.Add($"{set.Name}/{name}", score);
        }

        return this with { Scores = scores };
    }

    private ConfusionMatrix Sum(IEnumerable<DatapointConfusion> datapoints)
    {
        ConfusionMatrix total = new(Aggregated.Classes.Count);
        foreach (DatapointConfusion datapoint in datapoints)
            total.Add(datapoint.Confusion);
        return total;
    }
}
