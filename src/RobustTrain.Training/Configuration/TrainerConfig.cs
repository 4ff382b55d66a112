using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;

namespace RobustTrain.Training.Configuration;

/// <summary>The training loop.</summary>
public sealed record TrainerConfig
{
    [Description("Epochs to train.")]
    [Range(1, 1_000_000)]
    public int Epochs { get; init; } = 10;

    [Description("Epochs between two validations; the last epoch is always validated.")]
    [Range(1, 1_000_000)]
    public int ValidateEvery { get; init; } = 1;

    [Description("Batches of validation and test that are computed at once, at most loader.prefetch_queue_length, which a greater number counts as: 1, or null, computes one after the other. The scores are the same.")]
    [Range(1, 1024)]
    [FreeOnResume]
    public int? EvaluationWorkers { get; init; } = 1;

    [Description("Score that decides which checkpoint is best: f1 and iou are those of class 1 where there are two classes, else their means; SET/f1 is that of a validation set.")]
    [ScoreName]
    [ScoreOfSet]
    public string BestMetric { get; init; } = "f1";

    [Description("Seconds between two step events in the journal.")]
    [Range(0.0, 3600.0)]
    [FreeOnResume]
    public double LogIntervalSeconds { get; init; } = 1.0;

    [Description("Batches whose gradients are accumulated into one step of the optimiser.")]
    [Range(1, 65536)]
    public int Accumulate { get; init; } = 1;

    [Description("Norm (L2, over all parameters) that a greater gradient is scaled down to; null clips none.")]
    [Range(1e-12, 1e12)]
    public double? ClipNorm { get; init; }

    [Description("Magnitude that each value of the gradient is cut to, after clip_norm; null cuts none.")]
    [Range(1e-12, 1e12)]
    public double? ClipValue { get; init; }

    [Description("Decay, for each step, of an exponential moving average of the weights, which validation, test and evaluation then use; null keeps none.")]
    [Range(0.0, 0.999999999)]
    public double? EmaDecay { get; init; }

    [Description("Whether torch may use deterministic algorithms only; an operator that has none ends the run. The CPU needs it not: there, fixed threads suffice.")]
    public bool Deterministic { get; init; }

    [Description("Whether autograd names the operation whose backward pass made a NaN; slow, to find a fault.")]
    [FreeOnResume]
    public bool DetectAnomaly { get; init; }

    [Description("Patterns of parameter names that are not learned; * stands for any text, as in conv1*.")]
    public IReadOnlyList<string> Freeze { get; init; } = [];

    [Description("A run's or a checkpoint's folder, or a safetensors file, whose weights the training starts from; null starts from random ones.")]
    [ConfigurationPath]
    public string? StartFrom { get; init; }

    [Description("Seconds after which a step that has not ended ends the process, exit code 1, with the checkpoints as they are; null waits for ever.")]
    [Range(1.0, 1_000_000.0)]
    [FreeOnResume]
    public double? StepTimeoutSeconds { get; init; }
}
