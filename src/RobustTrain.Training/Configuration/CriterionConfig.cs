using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>What is minimised.</summary>
public sealed record CriterionConfig
{
    [Description("cross-entropy, focal, dice, or focal-dice (their sum).")]
    [CriterionName]
    public string Name { get; init; } = "cross-entropy";

    [Description("How classes are weighted: none, data (inversely to their share of the training labels), or given (class_weights).")]
    [AllowedValues("none", "data", "given")]
    public string Weighting { get; init; } = "none";

    [Description("One weight for each class, with weighting: given.")]
    public IReadOnlyList<double>? ClassWeights { get; init; }

    [Description("Focusing exponent of the focal loss (Lin et al., 2017).")]
    [Range(0.0, 10.0)]
    public double Gamma { get; init; } = 2.0;

    [Description("Label value that counts neither in the loss nor in the scores.")]
    [Range(0, 255)]
    public int IgnoreIndex { get; init; } = 255;
}
