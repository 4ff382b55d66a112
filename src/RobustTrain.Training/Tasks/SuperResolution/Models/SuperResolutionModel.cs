using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>
/// A network that makes images larger: <c>forward(image)</c> takes a float tensor N x C x h x w with values in 0..1
/// and returns N x C x (s h) x (s w), where s is <see cref="Scale"/>; its values are not cut to 0..1.
/// </summary>
/// <param name="name">The model's name in the configuration.</param>
/// <param name="scale">By how much the sides of its output are longer than those of its input.</param>
public abstract class SuperResolutionModel(string name, int scale) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>By how much the sides of its output are longer than those of its input.</summary>
    public int Scale { get; } = scale;

    /// <summary>
    /// Sets every learned value anew, as a pure function of <paramref name="seed"/> and of the parameter's name:
    /// neither torch's global generator nor the order of construction has a part in it.
    /// </summary>
    internal abstract void InitializeWeights(long seed);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <param name="graph">Takes the operators and the weights.</param>
    /// <param name="image">The value of the images.</param>
    /// <returns>The value of the larger images.</returns>
    internal abstract string Describe(OnnxGraph graph, string image);

    /// <summary>A convolution of 3 x 3 pixels that leaves the sides as they are.</summary>
    private protected static Conv2d Convolution(long inputs, long outputs) => Conv2d(inputs, outputs, 3, padding: 1);
}

/// <summary>
/// Images less the mean colour of DIV2K (Agustsson, Timofte, 2017), times 255, as the authors of EDSR feed their network;
/// where images are not RGB, the mean is 0.5.
/// </summary>
/// <param name="channels">Channels of an image.</param>
internal sealed class MeanShift(int channels)
{
    private const float Range = 255;

    private readonly float[] _mean = channels == 3 ? [0.4488f, 0.4371f, 0.4040f] : [.. Enumerable.Repeat(0.5f, channels)];

    /// <summary>From images in 0..1 to what the network takes.</summary>
    public Tensor Subtract(Tensor image)
    {
        using Tensor mean = Mean(image);
        using Tensor centred = image - mean;
        return centred * Range;
    }

    /// <summary>From what the network gives to images in 0..1.</summary>
    public Tensor Add(Tensor output)
    {
        using Tensor mean = Mean(output);
        using Tensor scaled = output / Range;
        return scaled + mean;
    }

    /// <summary><see cref="Subtract(Tensor)"/> in ONNX's operators.</summary>
    public string Subtract(OnnxGraph graph, string image) => graph.Add("Mul", [graph.Add("Sub", [image, Mean(graph)]), graph.Constant(Range)]);

    /// <summary><see cref="Add(Tensor)"/> in ONNX's operators.</summary>
    public string Add(OnnxGraph graph, string output) => graph.Add("Add", [graph.Add("Div", [output, graph.Constant(Range)]), Mean(graph)]);

    private Tensor Mean(Tensor like) => tensor(_mean, [1, _mean.Length, 1, 1], device: like.device);

    private string Mean(OnnxGraph graph) => graph.Add("Reshape", [graph.Constant(_mean), graph.Constant(1L, _mean.Length, 1, 1)]);
}

/// <summary>Each pixel again in a square of so many pixels a side.</summary>
internal static class NearestUpsampling
{
    /// <summary>N x C x h x w to N x C x (s h) x (s w).</summary>
    public static Tensor Apply(Tensor image, int scale) => functional.interpolate(image, scale_factor: [scale, scale], mode: InterpolationMode.Nearest);

    /// <summary>The same in ONNX's operators.</summary>
    public static string Describe(OnnxGraph graph, string image, int scale) => graph.Add(
        "Resize", [image, "", graph.Constant(1f, 1, scale, scale)], ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
}
