using System.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>Ways to set a network's first weights, each a pure function of a seed and the parameter's name.</summary>
internal static class WeightInitialization
{
    private const int ConvolutionDimensions = 4;

    /// <summary>
    /// Weights and biases of convolutions and linear layers uniform in ±1/sqrt(fan in): PyTorch's default
    /// (He et al., 2015, with negative slope sqrt 5), which the authors of FC-Siam left as it is.
    /// </summary>
    public static void KaimingUniform(nn.Module model, long seed)
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter weight, Parameter? bias) in Layers(model))
        {
            double bound = 1 / Math.Sqrt(FanIn(weight));
            Fill(weight, seed, name + ".weight", (values, generator) => values.uniform_(-bound, bound, generator));
            if (bias is not null) Fill(bias, seed, name + ".bias", (values, generator) => values.uniform_(-bound, bound, generator));
        }
    }

    /// <summary>
    /// Weights of convolutions normal with the variance 2/(fan out), He et al., 2015; biases and linear layers as <see cref="KaimingUniform"/> has them.
    /// </summary>
    public static void KaimingNormal(nn.Module model, long seed)
    {
        KaimingUniform(model, seed);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter weight, _) in Layers(model).Where(layer => layer.Weight.dim() == ConvolutionDimensions))
        {
            double deviation = Math.Sqrt(2.0 / FanOut(weight));
            Fill(weight, seed, name + ".weight", (values, generator) => values.normal_(0, deviation, generator));
        }
    }

    /// <summary>
    /// Of some convolutions weights normal with the variance 2/(fan in), He et al., 2015, times <paramref name="scale"/>, and biases 0.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="scale">What the weights are multiplied by.</param>
    /// <param name="isMeant">Says by a convolution's name whether it is one of them.</param>
    public static void KaimingNormalOfInputs(nn.Module model, long seed, double scale, Func<string, bool> isMeant)
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter weight, Parameter? bias) in Layers(model).Where(layer => layer.Weight.dim() == 4 && isMeant(layer.Name)))
        {
            double deviation = scale * Math.Sqrt(2.0 / FanIn(weight));
            Fill(weight, seed, name + ".weight", (values, generator) => values.normal_(0, deviation, generator));
            bias?.zero_();
        }
    }

    /// <summary>The modules whose own weight has four dimensions, convolutions of either kind, or two, linear layers.</summary>
    private static IEnumerable<(string Name, Parameter Weight, Parameter? Bias)> Layers(nn.Module model)
    {
        foreach ((string name, nn.Module module) in model.named_modules())
        {
            Dictionary<string, Parameter> own = module.named_parameters(recurse: false).ToDictionary();
            if (own.TryGetValue("weight", out Parameter? weight) && weight.dim() is ConvolutionDimensions or 2) yield return (name, weight, own.GetValueOrDefault("bias"));
        }
    }

    /// <summary>Inputs of one output; for a transposed convolution PyTorch counts its second dimension too, and so does this.</summary>
    private static long FanIn(Tensor weight) => weight.shape.Skip(1).Aggregate(1L, (product, side) => product * side);

    private static long FanOut(Tensor weight) => weight.shape[0] * weight.shape[2] * weight.shape[3];

    /// <summary>Fills a parameter or a buffer from a generator that belongs to the seed and its name.</summary>
    public static void Fill(Tensor parameter, long seed, string name, Func<Tensor, Generator, Tensor> fill)
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
