using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>
/// A network that compares two images of one place: <c>forward(image1, image2)</c> takes two float tensors N x C x H x W
/// and returns logits N x K x H x W, one channel a class, not normalised.
/// </summary>
/// <param name="name">The model's name in the configuration.</param>
public abstract class ChangeDetectionModel(string name) : nn.Module<Tensor, Tensor, Tensor>(name)
{
    /// <summary>
    /// Sets every learned value anew, as a pure function of <paramref name="seed"/> and of the parameter's name:
    /// neither torch's global generator nor the order of construction has a part in it.
    /// </summary>
    internal abstract void InitializeWeights(long seed);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <param name="graph">Takes the operators and the weights.</param>
    /// <param name="image1">The value of the first images.</param>
    /// <param name="image2">The value of the second images.</param>
    /// <returns>The value of the logits.</returns>
    internal abstract string Describe(OnnxGraph graph, string image1, string image2);
}

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

    /// <summary>The same in evaluation, in ONNX's operators.</summary>
    public static string Describe(OnnxGraph graph, BatchNorm2d norm, string features, bool ofEachImage) =>
        ofEachImage ? graph.InstanceNormalization(norm, features) : graph.Layer(norm, features);
}
