using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>How the learning rate changes over the steps.</summary>
public sealed record ScheduleConfig
{
    [Description("constant, polynomial, cosine or step; each follows a linear warm-up.")]
    [AllowedValues("constant", "polynomial", "cosine", "step")]
    public string Name { get; init; } = "polynomial";

    [Description("Steps over which the learning rate rises linearly from 0 to its value.")]
    [Range(0, 100_000_000)]
    public int WarmupSteps { get; init; }

    [Description("Exponent of the polynomial schedule.")]
    [Range(0.01, 10.0)]
    public double Power { get; init; } = 0.9;

    [Description("step: epochs between two reductions.")]
    [Range(1, 1_000_000)]
    public int StepEpochs { get; init; } = 30;

    [Description("step: factor of a reduction.")]
    [Range(0.0, 1.0)]
    public double Gamma { get; init; } = 0.1;
}
