using System.Text;
using RobustTrain.Runs;
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
    /// <exception cref="RunException">It can't.</exception>
    internal virtual string Describe(OnnxGraph graph, string image1, string image2) => throw new RunException(
        ExitCode.Configuration, "OnnxNetworkUnknown", $"The network {GetName()} is not known in ONNX's operators; --format safetensors takes its weights.");
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

/// <summary>Ways to set a network's first weights, each a pure function of a seed and the parameter's name.</summary>
internal static class WeightInitialization
{
    /// <summary>
    /// Weights and biases of convolutions uniform in ±1/sqrt(fan in): PyTorch's default
    /// (He et al., 2015, with negative slope sqrt 5), which the authors of FC-Siam left as it is.
    /// </summary>
    public static void KaimingUniform(nn.Module model, long seed)
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter weight, Parameter? bias) in Convolutions(model))
        {
            double bound = 1 / Math.Sqrt(FanIn(weight));
            Fill(weight, seed, name + ".weight", (values, generator) => values.uniform_(-bound, bound, generator));
            if (bias is not null) Fill(bias, seed, name + ".bias", (values, generator) => values.uniform_(-bound, bound, generator));
        }
    }

    /// <summary>
    /// Weights of convolutions normal with the variance 2/(fan out), He et al., 2015; biases as <see cref="KaimingUniform"/> has them.
    /// </summary>
    public static void KaimingNormal(nn.Module model, long seed)
    {
        KaimingUniform(model, seed);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter weight, _) in Convolutions(model))
        {
            double deviation = Math.Sqrt(2.0 / FanOut(weight));
            Fill(weight, seed, name + ".weight", (values, generator) => values.normal_(0, deviation, generator));
        }
    }

    /// <summary>The modules whose own weight has four dimensions: convolutions of either kind.</summary>
    private static IEnumerable<(string Name, Parameter Weight, Parameter? Bias)> Convolutions(nn.Module model)
    {
        foreach ((string name, nn.Module module) in model.named_modules())
        {
            Dictionary<string, Parameter> own = module.named_parameters(recurse: false).ToDictionary();
            if (own.TryGetValue("weight", out Parameter? weight) && weight.dim() == 4) yield return (name, weight, own.GetValueOrDefault("bias"));
        }
    }

    /// <summary>Inputs of one output; for a transposed convolution PyTorch counts its second dimension too, and so does this.</summary>
    private static long FanIn(Tensor weight) => weight.shape[1] * weight.shape[2] * weight.shape[3];

    private static long FanOut(Tensor weight) => weight.shape[0] * weight.shape[2] * weight.shape[3];

    private static void Fill(Parameter parameter, long seed, string name, Func<Tensor, Generator, Tensor> fill)
    {
        using Generator generator = GeneratorOf(seed, name);
        fill(parameter, generator);
    }

    private static Generator GeneratorOf(long seed, string name)
    {
        // FNV-1a over the name, mixed with the seed by the finaliser of SplitMix64: stable across machines and versions.
        ulong hash = 14695981039346656037;
        foreach (byte value in Encoding.UTF8.GetBytes(name)) hash = (hash ^ value) * 1099511628211;

        ulong mixed = unchecked((ulong)seed + hash + 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return new Generator(mixed ^ (mixed >> 31));
    }
}
