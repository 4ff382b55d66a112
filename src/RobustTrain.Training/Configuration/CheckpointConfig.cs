using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;

namespace RobustTrain.Training.Configuration;

/// <summary>What is kept on disk to go on from.</summary>
public sealed record CheckpointConfig
{
    [Description("Which checkpoints stay beside the latest, the best and those that stand in for them should they be damaged: latest (no other), all, or every (each keep_every epochs).")]
    [AllowedValues("latest", "all", "every")]
    [FreeOnResume]
    public string Keep { get; init; } = "latest";

    [Description("Epochs between two checkpoints that stay, with keep: every.")]
    [Range(1, 1_000_000)]
    [FreeOnResume]
    public int KeepEvery { get; init; } = 10;

    [Description("Steps between two checkpoints within an epoch; null takes none by steps.")]
    [Range(1, 1_000_000_000)]
    [FreeOnResume]
    public int? EverySteps { get; init; }

    [Description("Seconds between two checkpoints within an epoch; null takes none by time.")]
    [Range(0.1, 1_000_000.0)]
    [FreeOnResume]
    public double? EverySeconds { get; init; } = 600;
}
