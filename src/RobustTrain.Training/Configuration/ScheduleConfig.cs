using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>How the learning rate changes over the steps.</summary>
public sealed record ScheduleConfig
{
    /// <summary>The shape.</summary>
    [Description("constant, polynomial, cosine or step; each follows a linear warm-up.")]
    [AllowedValues("constant", "polynomial", "cosine", "step")]
    public string Name { get; init; } = "polynomial";

    /// <summary>Warm-up steps.</summary>
    [Description("Steps over which the learning rate rises linearly from 0 to its value.")]
    [Range(0, 100_000_000)]
    public int WarmupSteps { get; init; }

    /// <summary>Polynomial power.</summary>
    [Description("Exponent of the polynomial schedule.")]
    [Range(0.01, 10.0)]
    public double Power { get; init; } = 0.9;

    /// <summary>Epochs between steps.</summary>
    [Description("step: epochs between two reductions.")]
    [Range(1, 1_000_000)]
    public int StepEpochs { get; init; } = 30;

    /// <summary>Factor of a step.</summary>
    [Description("step: factor of a reduction.")]
    [Range(0.0, 1.0)]
    public double Gamma { get; init; } = 0.1;
}
