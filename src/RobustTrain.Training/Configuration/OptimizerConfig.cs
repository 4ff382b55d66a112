using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>How the weights follow the gradient.</summary>
public sealed record OptimizerConfig
{
    [Description("sgd, adam or adamw.")]
    [AllowedValues("sgd", "adam", "adamw")]
    public string Name { get; init; } = "adamw";

    [Description("Learning rate at the end of the warm-up.")]
    [Range(0.0, 1000.0)]
    public double LearningRate { get; init; } = 1e-3;

    [Description("Weight decay.")]
    [Range(0.0, 100.0)]
    public double WeightDecay { get; init; } = 1e-4;

    [Description("Momentum (sgd).")]
    [Range(0.0, 0.9999)]
    public double Momentum { get; init; } = 0.9;

    [Description("Decay of the first moment (adam, adamw).")]
    [Range(0.0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    [Description("Decay of the second moment (adam, adamw).")]
    [Range(0.0, 0.99999)]
    public double Beta2 { get; init; } = 0.999;
}
