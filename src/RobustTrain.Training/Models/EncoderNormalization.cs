using RobustTrain.Runs.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// How an encoder applies batch normalisation: as it is, or in evaluation with the statistics of each image itself
/// (Nado et al., 2020, section 3), whatever else is in the batch.
/// </summary>
internal static class EncoderNormalization
{
    /// <summary>Whether a network's encoder evaluates with each image's own statistics.</summary>
    public static bool IsOfEachImage(ModelConfig config) => config.EvaluationStatistics == "image";

    /// <summary>Normalises features, in evaluation with each image's own statistics if <paramref name="ofEachImage"/>.</summary>
    public static Tensor Apply(BatchNorm2d norm, Tensor features, bool ofEachImage) =>
        ofEachImage && !norm.training ? functional.instance_norm(features, weight: norm.weight, bias: norm.bias, eps: norm.eps) : norm.call(features);
}
