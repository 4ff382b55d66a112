using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;

namespace RobustTrain.Training.Configuration;

/// <summary>What is done where a loss or a gradient goes wrong, or memory is short.</summary>
public sealed record NumericsConfig
{
    [Description("After a loss or gradient that is NaN, infinite or a spike: fail (exit code 4), skip (leave that step out), or rollback (go back to the last epoch's checkpoint with a lower learning rate).")]
    [AllowedValues("fail", "skip", "rollback")]
    [FreeOnResume]
    public string OnFailure { get; init; } = "fail";

    [Description("Steps that may be skipped, or rollbacks that may be made, before the run ends with exit code 4.")]
    [Range(1, 1_000_000)]
    [FreeOnResume]
    public int MaxFailures { get; init; } = 10;

    [Description("Factor of the learning rate after each rollback.")]
    [Range(0.001, 1.0)]
    public double RollbackFactor { get; init; } = 0.5;

    [Description("A loss above this many times the median of the last 50 is a spike, treated as a failure; null knows no spikes.")]
    [Range(1.0, 1e9)]
    public double? SpikeFactor { get; init; }

    [Description("Where memory is short: split (halve the part of a batch that is computed at once, accumulating its gradients, down to one sample) or fail (exit code 5).")]
    [AllowedValues("split", "fail")]
    public string OnOutOfMemory { get; init; } = "split";
}
