using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>Which epoch is best, and when no better one is awaited any more.</summary>
public sealed record SelectionConfig
{
    [Description("weighted: by the weighted sum of the metrics; partial: an epoch is better only where it is at least as good in every metric and better in one.")]
    [AllowedValues("weighted", "partial")]
    public string Order { get; init; } = "weighted";

    [Description("Scores that are compared (f1, iou, precision, recall, accuracy, mean_f1, mean_iou, mean_precision, mean_recall), or SET/f1 and so on for those of a validation set; null takes trainer.best_metric alone.")]
    [ScoreName]
    [ScoreOfSet]
    public IReadOnlyList<string>? Metrics { get; init; }

    [Description("One weight for each metric, with order: weighted; null weighs them alike.")]
    public IReadOnlyList<double>? Weights { get; init; }

    [Description("Epochs that may pass without a better one before the training ends early, which only an epoch that is validated decides; null always trains all.")]
    [Range(1, 1_000_000)]
    public int? Patience { get; init; }
}
