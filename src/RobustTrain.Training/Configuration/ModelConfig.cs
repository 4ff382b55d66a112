using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace RobustTrain.Training.Configuration;

/// <summary>The network.</summary>
public sealed record ModelConfig
{
    [Description("The architecture: fc-siam-diff or fc-siam-conc (Daudt, Le Saux, Boulch, ICIP 2018), or hanet (Han et al., JSTARS 2023).")]
    [ModelName]
    public string Name { get; init; } = "fc-siam-diff";

    [Description("Channels of one image: 3 for RGB, 1 for grey.")]
    [Range(1, 64)]
    public int InChannels { get; init; } = 3;

    [Description("Classes of the label, the unchanged ground (0) included.")]
    [Range(2, 255)]
    public int Classes { get; init; } = 2;

    [Description("Channels of the first stage; each of the next has twice as many, up to 8 times. HANet's own value is 40.")]
    [Range(1, 512)]
    public int BaseChannels { get; init; } = 16;

    [Description("Probability with which Dropout2d drops a channel; hanet has no dropout.")]
    [Range(0.0, 0.95)]
    public double Dropout { get; init; } = 0.2;

    [Description("Statistics that the batch normalisation of the encoder evaluates with: training (running means of the training's batches) or image (those of each image itself, for light that the training has not seen).")]
    [AllowedValues("training", "image")]
    public string EvaluationStatistics { get; init; } = "training";
}
