using RobustTrain.Platform;
using RobustTrain.Runs.Configuration;
using RobustTrain.Runs;
using RobustTrain.Training.Metrics;

namespace RobustTrain.Training.Selection;

/// <summary>Makes the order that a configuration asks for.</summary>
internal static class ScoreOrders
{
    /// <summary>The order of a training's epochs.</summary>
    /// <param name="config">Order, metrics and weights.</param>
    /// <param name="bestMetric">The metric where none is given.</param>
    /// <param name="sets">The validation sets whose scores can be named.</param>
    /// <exception cref="RunException">The order or a score is unknown, or the weights don't fit the metrics.</exception>
    public static IScoreOrder Create(SelectionConfig config, string bestMetric, IReadOnlyList<ValidationSet>? sets = null)
    {
        ComparedScore[] scores = Scores(config, bestMetric, [.. SegmentationScores.Names, .. (sets ?? []).SelectMany(set => SegmentationScores.Names.Select(name => $"{set.Name}/{name}"))]);
        return config.Order switch
        {
            "weighted" => new WeightedOrder(scores),
            "partial" when config.Weights is not null => throw new RunException(
                ExitCode.Configuration, "SelectionWeights", "selection.weights is given, but selection.order is partial, which knows no weights.", "selection.weights"),
            "partial" => new PartialOrder(scores),
            _ => throw new RunException(
                ExitCode.Configuration, "SelectionOrderUnknown", $"selection.order is '{config.Order}', but must be weighted or partial.", "selection.order"),
        };
    }

    private static ComparedScore[] Scores(SelectionConfig config, string bestMetric, IReadOnlyList<string> names)
    {
        IReadOnlyList<string> metrics = config.Metrics ?? [bestMetric];
        string key = config.Metrics is null ? "trainer.best_metric" : "selection.metrics";
        if (metrics.Count == 0)
            throw new RunException(ExitCode.Configuration, "SelectionEmpty", "selection.metrics is empty, but must name at least one score.", key);
        if (metrics.FirstOrDefault(metric => !names.Contains(metric)) is { } unknown)
        {
            string nearest = NearestName.Of(unknown, names) is { } near ? $" Did you mean {near}?" : "";
            throw new RunException(
                ExitCode.Configuration, "ScoreUnknown",
                $"{key} names '{unknown}', but the scores are {string.Join(", ", names)}.{nearest}", key);
        }

        if (config.Weights is { } weights && (weights.Count != metrics.Count || weights.Any(weight => !(weight >= 0)) || weights.All(weight => weight == 0)))
        {
            throw new RunException(
                ExitCode.Configuration, "SelectionWeights",
                $"selection.weights must have one weight of at least 0 for each of the {metrics.Count} metrics, and one above 0.", "selection.weights");
        }

        // Every score of a segmentation is better the higher (see SegmentationScores).
        return [.. metrics.Select((metric, index) => new ComparedScore(metric, ScoreDirection.HigherIsBetter, config.Weights?[index] ?? 1))];
    }
}
