using RobustTrain.Training.Tasks.ClassLabels;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;

namespace RobustTrain.Training.Tasks.Classification.Metrics;

/// <summary>
/// The scores of a classification, each from 0 to 1; means are over the classes that are there or were predicted, as
/// <see cref="SegmentationScores"/> takes them.
/// </summary>
/// <param name="Classes">The scores of each class.</param>
/// <param name="TopFive">The share of samples whose class is among the five most probable; null where there are no more than five.</param>
internal sealed record ClassificationScores(SegmentationScores Classes, double? TopFive)
{
    private const int Five = 5;

    private static readonly Dictionary<string, (ScoreDirection Direction, Func<ClassificationScores, double?> Of)> s_scores = new(StringComparer.Ordinal)
    {
        ["accuracy"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.Accuracy),
        [TopFiveName] = (ScoreDirection.HigherIsBetter, scores => scores.TopFive),
        ["mean_f1"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.MeanF1),
        ["mean_precision"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.MeanPrecision),
        ["mean_recall"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.MeanRecall),
    };

    /// <summary>The name of <see cref="TopFive"/>.</summary>
    public const string TopFiveName = "top5";

    /// <summary>The scores' names with their directions.</summary>
    public static IReadOnlyList<ScoreDefinition> Definitions { get; } = [.. s_scores.Select(score => new ScoreDefinition(score.Key, score.Value.Direction))];

    /// <summary>Whether five of so many classes say anything.</summary>
    public static bool HasTopFive(int classes) => classes > Five;

    /// <summary>The scores that are defined, by name.</summary>
    public IReadOnlyDictionary<string, double> Named()
    {
        Dictionary<string, double> named = [];
        foreach ((string name, (_, Func<ClassificationScores, double?> of)) in s_scores)
        {
            if (of(this) is double score)
                named.Add(name, score);
        }

        return named;
    }

    /// <summary>The scores of samples together.</summary>
    /// <param name="samples">What was counted.</param>
    /// <param name="classes">The number of classes.</param>
    public static AggregatedScores Aggregate(IEnumerable<ClassifiedSample> samples, int classes)
    {
        (long[] hits, long[] there, long[] predicted) = (new long[classes], new long[classes], new long[classes]);
        ConfusionMatrix? confusion = classes <= ConfusionPicture.MostClasses ? new ConfusionMatrix(classes) : null;
        (long count, long amongFive) = (0, 0);
        foreach (ClassifiedSample sample in samples)
        {
            there[sample.Truth]++;
            predicted[sample.Predicted]++;
            hits[sample.Truth] += sample.IsHit ? 1 : 0;
            amongFive += sample.Rank < Five ? 1 : 0;
            count++;
            confusion?.Add(sample.Truth, sample.Predicted);
        }

        ClassificationScores scores = new(SegmentationScores.Of(hits, there, predicted), HasTopFive(classes) && count > 0 ? (double)amongFive / count : null);
        return new AggregatedScores(scores.Named(), [.. scores.Classes.Classes.Select(one => one.Named())], confusion?.Counts);
    }

    /// <summary>What became of a sample.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Truth">Its class.</param>
    /// <param name="Predicted">The most probable class.</param>
    /// <param name="Rank">How many classes are more probable than its own.</param>
    /// <param name="Classes">The number of classes.</param>
    public sealed record ClassifiedSample(string Name, int Truth, int Predicted, int Rank, int Classes) : SampleResult(Name)
    {
        /// <summary>Whether its class was predicted.</summary>
        public bool IsHit => Truth == Predicted;

        /// <inheritdoc/>
        public override IReadOnlyDictionary<string, double> NamedScores
        {
            get
            {
                // Of a single sample every class that is there or was predicted scores 1 or 0, and so does their mean.
                double hit = IsHit ? 1 : 0;
                return s_scores.Keys.Where(name => name != TopFiveName || HasTopFive(Classes)).ToDictionary(name => name, name => name == TopFiveName ? (Rank < Five ? 1 : 0) : hit);
            }
        }
    }
}
