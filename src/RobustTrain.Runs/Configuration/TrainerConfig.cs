using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Runs.Configuration;

/// <summary>The training loop.</summary>
public sealed record TrainerConfig
{
    /// <summary>Epochs.</summary>
    [Description("Epochs to train.")]
    [Range(1, 1_000_000)]
    public int Epochs { get; init; } = 10;

    /// <summary>Epochs between validations.</summary>
    [Description("Epochs between two validations; the last epoch is always validated.")]
    [Range(1, 1_000_000)]
    public int ValidateEvery { get; init; } = 1;

    /// <summary>The best model's metric.</summary>
    [Description("Score that decides which checkpoint is best: f1 and iou are those of class 1 where there are two classes, else their means.")]
    [AllowedValues("f1", "iou", "precision", "recall", "accuracy", "mean_f1", "mean_iou")]
    public string BestMetric { get; init; } = "f1";

    /// <summary>Seconds between step events.</summary>
    [Description("Seconds between two step events in the journal.")]
    [Range(0.0, 3600.0)]
    public double LogIntervalSeconds { get; init; } = 1.0;
}
