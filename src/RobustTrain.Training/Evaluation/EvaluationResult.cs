using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Evaluation;

/// <summary>The scores of a network on a dataset.</summary>
/// <param name="Split">The split: validation, test or training.</param>
/// <param name="Aggregated">The scores of all samples together.</param>
/// <param name="Samples">What was counted in each sample, in the dataset's order.</param>
public sealed record EvaluationResult(string Split, AggregatedScores Aggregated, IReadOnlyList<SampleResult> Samples)
{
    /// <summary>The aggregated scores that are defined, by name; those of a set as <c>SET/f1</c>.</summary>
    public IReadOnlyDictionary<string, double> Scores { get; init; } = Aggregated.Named;

    /// <summary>The same with scores for each set of samples. A set of which every sample was skipped has none.</summary>
    internal EvaluationResult Of(IReadOnlyList<ValidationSet> sets, ITrainingTask task)
    {
        Dictionary<string, double> scores = new(Aggregated.Named);
        foreach (ValidationSet set in sets)
        {
            foreach ((string name, double score) in task.Aggregate(Samples.Where(sample => set.Samples.Contains(sample.Name))).Named)
                scores.Add($"{set.Name}/{name}", score);
        }

        return this with { Scores = scores };
    }
}
