using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>How the weights follow the gradient.</summary>
public sealed record OptimizerConfig
{
    /// <summary>The algorithm.</summary>
    [Description("sgd, adam or adamw.")]
    [AllowedValues("sgd", "adam", "adamw")]
    public string Name { get; init; } = "adamw";

    /// <summary>The learning rate.</summary>
    [Description("Learning rate at the end of the warm-up.")]
    [Range(0.0, 1000.0)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay.</summary>
    [Description("Weight decay.")]
    [Range(0.0, 100.0)]
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Momentum.</summary>
    [Description("Momentum (sgd).")]
    [Range(0.0, 0.9999)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>Beta 1.</summary>
    [Description("Decay of the first moment (adam, adamw).")]
    [Range(0.0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Beta 2.</summary>
    [Description("Decay of the second moment (adam, adamw).")]
    [Range(0.0, 0.99999)]
    public double Beta2 { get; init; } = 0.999;
}
