using RobustTrain.Runs;

namespace RobustTrain.Training.Tasks.ClassLabels.Metrics;

/// <summary>
/// The scores of a segmentation, for each class and over all, each from 0 to 1.
/// A score with nothing to score is null; a mean is that of the classes whose score is not null, and null where none is.
/// So a class that is neither in the labels nor predicted counts nowhere, while one that is predicted without being there
/// has the IoU, F1 and precision 0 and pulls their means down.
/// </summary>
public sealed record SegmentationScores
{
    // Those of class 1 where there are two classes (change, in change detection), else the means over the classes.
    private static readonly Dictionary<string, (ScoreDirection Direction, Func<SegmentationScores, double?> Of)> s_scores = new(StringComparer.Ordinal)
    {
        ["f1"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.Count == 2 ? scores.Classes[1].F1 : scores.MeanF1),
        ["iou"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.Count == 2 ? scores.Classes[1].Iou : scores.MeanIou),
        ["precision"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.Count == 2 ? scores.Classes[1].Precision : scores.MeanPrecision),
        ["recall"] = (ScoreDirection.HigherIsBetter, scores => scores.Classes.Count == 2 ? scores.Classes[1].Recall : scores.MeanRecall),
        ["accuracy"] = (ScoreDirection.HigherIsBetter, scores => scores.Accuracy),
        ["mean_f1"] = (ScoreDirection.HigherIsBetter, scores => scores.MeanF1),
        ["mean_iou"] = (ScoreDirection.HigherIsBetter, scores => scores.MeanIou),
        ["mean_precision"] = (ScoreDirection.HigherIsBetter, scores => scores.MeanPrecision),
        ["mean_recall"] = (ScoreDirection.HigherIsBetter, scores => scores.MeanRecall),
    };

    /// <summary>The names by which a configuration can ask for a score (<see cref="Find"/>), in the order of <see cref="Named"/>.</summary>
    public static IReadOnlyCollection<string> Names => s_scores.Keys;

    /// <summary>The same with their directions.</summary>
    public static IReadOnlyList<ScoreDefinition> Definitions { get; } = [.. s_scores.Select(score => new ScoreDefinition(score.Key, score.Value.Direction))];

    /// <summary>The scores of each class, by class.</summary>
    public required IReadOnlyList<ClassScores> Classes { get; init; }

    /// <summary>The share of pixels whose class was predicted.</summary>
    public required double? Accuracy { get; init; }

    /// <summary>The mean IoU over the classes.</summary>
    public double? MeanIou => Mean(scores => scores.Iou);

    /// <summary>The mean precision over the classes.</summary>
    public double? MeanPrecision => Mean(scores => scores.Precision);

    /// <summary>The mean recall over the classes.</summary>
    public double? MeanRecall => Mean(scores => scores.Recall);

    /// <summary>The mean F1 over the classes.</summary>
    public double? MeanF1 => Mean(scores => scores.F1);

    /// <summary>The scores of a confusion matrix.</summary>
    public static SegmentationScores Of(ConfusionMatrix confusion)
    {
        int classes = confusion.Classes;
        long[] hits = new long[classes];
        long[] there = new long[classes];
        long[] predicted = new long[classes];
        for (int truth = 0; truth < classes; truth++)
        {
            hits[truth] = confusion[truth, truth];
            for (int other = 0; other < classes; other++)
            {
                there[truth] += confusion[truth, other];
                predicted[other] += confusion[truth, other];
            }
        }

        return Of(hits, there, predicted);
    }

    /// <summary>The scores of what was counted of each class.</summary>
    /// <param name="hits">What is of the class and was predicted as it.</param>
    /// <param name="there">What is of the class.</param>
    /// <param name="predicted">What was predicted as it.</param>
    public static SegmentationScores Of(IReadOnlyList<long> hits, IReadOnlyList<long> there, IReadOnlyList<long> predicted)
    {
        long total = there.Sum();
        ClassScores[] scores = new ClassScores[hits.Count];
        for (int c = 0; c < scores.Length; c++)
        {
            long union = there[c] + predicted[c] - hits[c];
            scores[c] = new ClassScores(
                Iou: Ratio(hits[c], union),
                Accuracy: Ratio(total - union + hits[c], total),
                Precision: Ratio(hits[c], predicted[c]),
                Recall: Ratio(hits[c], there[c]),
                F1: Ratio(2 * hits[c], there[c] + predicted[c]));
        }

        return new SegmentationScores { Classes = scores, Accuracy = Ratio(hits.Sum(), total) };
    }

    /// <summary>
    /// A score by its name: <c>f1</c>, <c>iou</c>, <c>precision</c> and <c>recall</c> are those of class 1 where there are two classes
    /// (change, in change detection), else the means over the classes; <c>accuracy</c> is that of all pixels.
    /// </summary>
    /// <returns>The score; null where there was nothing to score.</returns>
    /// <exception cref="RunException">There is no such score (<c>ScoreUnknown</c>).</exception>
    public double? Find(string name) => s_scores.TryGetValue(name, out (ScoreDirection Direction, Func<SegmentationScores, double?> Of) score) ? score.Of(this) : throw new RunException(
        ExitCode.Configuration, "ScoreUnknown", $"There is no score '{name}'; the scores are {string.Join(", ", Names)}.", name);

    /// <summary>The scores that are not null, by name.</summary>
    public IReadOnlyDictionary<string, double> Named()
    {
        Dictionary<string, double> named = [];
        foreach (string name in Names)
        {
            if (Find(name) is double score) named.Add(name, score);
        }

        return named;
    }

    private static double? Ratio(long part, long whole) => whole == 0 ? null : (double)part / whole;

    private double? Mean(Func<ClassScores, double?> score) => Classes.Average(score);
}

/// <summary>
/// The scores of one class, each from 0 to 1, from its true and false positives and negatives;
/// null where the denominator is 0, which says that there was nothing to score.
/// </summary>
/// <param name="Iou">Intersection over union, <c>tp / (tp + fp + fn)</c>; null where the class was neither there nor predicted.</param>
/// <param name="Accuracy"><c>(tp + tn) / (tp + tn + fp + fn)</c>; null where no pixel counted.</param>
/// <param name="Precision"><c>tp / (tp + fp)</c>; null where the class was never predicted.</param>
/// <param name="Recall"><c>tp / (tp + fn)</c>; null where the class was not there.</param>
/// <param name="F1"><c>2 tp / (2 tp + fp + fn)</c>; null where the class was neither there nor predicted.</param>
public sealed record ClassScores(double? Iou, double? Accuracy, double? Precision, double? Recall, double? F1)
{
    /// <summary>The scores by name.</summary>
    public IReadOnlyDictionary<string, double?> Named() => new Dictionary<string, double?>
    {
        ["iou"] = Iou, ["accuracy"] = Accuracy, ["precision"] = Precision, ["recall"] = Recall, ["f1"] = F1,
    };
}
