using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Evaluation;

/// <summary>Makes the order that a configuration asks for.</summary>
internal static class ScoreOrders
{
    /// <summary>The order of a training's epochs.</summary>
    /// <param name="config">Order, metrics and weights.</param>
    /// <param name="bestMetric">The metric where none is given.</param>
    /// <param name="scores">The task's scores.</param>
    /// <param name="sets">The validation sets whose scores can be named.</param>
    /// <exception cref="RunException">The order or a score is unknown, or the weights don't fit the metrics.</exception>
    public static IScoreOrder Create(SelectionConfig config, string bestMetric, IReadOnlyList<ScoreDefinition> scores, IReadOnlyList<ValidationSet>? sets = null)
    {
        ScoreDefinition[] known = [.. scores, .. (sets ?? []).SelectMany(set => scores.Select(score => score with { Name = $"{set.Name}/{score.Name}" }))];
        ComparedScore[] compared = Compared(config, bestMetric, known);
        return config.Order switch
        {
            "weighted" => new WeightedOrder(compared),
            "partial" when config.Weights is not null => throw new RunException(
                ExitCode.Configuration, "SelectionWeights", "selection.weights is given, but selection.order is partial, which knows no weights.", "selection.weights"),
            "partial" => new PartialOrder(compared),
            _ => throw new RunException(
                ExitCode.Configuration, "SelectionOrderUnknown", $"selection.order is '{config.Order}', but must be weighted or partial.", "selection.order"),
        };
    }

    private static ComparedScore[] Compared(SelectionConfig config, string bestMetric, IReadOnlyList<ScoreDefinition> known)
    {
        string[] names = [.. known.Select(score => score.Name)];
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

        return [.. metrics.Select((metric, index) => new ComparedScore(metric, known.First(score => score.Name == metric).Direction, config.Weights?[index] ?? 1))];
    }
}

/// <summary>Decides which of two epochs is better by their scores.</summary>
public interface IScoreOrder
{
    /// <summary>Whether <paramref name="candidate"/> is strictly better than <paramref name="best"/>.</summary>
    bool IsBetter(IReadOnlyDictionary<string, double> candidate, IReadOnlyDictionary<string, double> best);
}

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
