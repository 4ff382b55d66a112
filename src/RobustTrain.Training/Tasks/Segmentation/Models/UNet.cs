using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ImageNetworks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.Segmentation.Models;

/// <summary>
/// U-Net (Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015, figure 1): four times two 3x3
/// convolutions and a 2x2 max pooling, two convolutions at the bottom behind which channels are dropped, then back up by transposed convolutions
/// beside the features of the way down. The convolutions pad, so that the map is as large as the image, and batch normalisation follows each.
/// </summary>
/// <remarks>
/// Parameters carry the names and shapes of the implementation that most public weights are of (milesial/Pytorch-UNet, without bilinear
/// upsampling). As there, features of an odd size are padded with zeros around them to that of the way down.
/// </remarks>
internal sealed class UNet : ImageModel
{
    private const string ModelName = "unet";
    private const int Depth = 4;
    private const int Stride = 1 << Depth;

    /// <summary>What the catalogue knows of it.</summary>
    public static readonly NetworkDefinition<ImageModel> Definition = new(ModelName, config => new UNet(config), "classes", "class_names", "base_channels", "dropout")
    {
        Head = "outc.",
        FindImageSizeProblem = (_, height, width) => Math.Min(height, width) < Stride ? $"it halves them {Depth} times, so each side must have at least {Stride}" : null,
        StrideOf = _ => Stride,
    };

    private readonly double _dropout;
    private readonly DoubleConvolution[] _down = new DoubleConvolution[Depth + 1];
    private readonly ConvTranspose2d[] _upsampling = new ConvTranspose2d[Depth];
    private readonly DoubleConvolution[] _up = new DoubleConvolution[Depth];
    private readonly Conv2d _classifier;

    private UNet(ModelConfig config)
        : base(ModelName)
    {
        _dropout = config.Dropout;
        long width = config.BaseChannels;
        _down[0] = new DoubleConvolution(config.InChannels, width);
        register_module("inc", _down[0]);
        for (int stage = 1; stage <= Depth; stage++, width *= 2)
        {
            _down[stage] = new DoubleConvolution(width, 2 * width);
            register_module($"down{stage}", Sequential(("maxpool_conv", Sequential(MaxPool2d(2), _down[stage]))));
        }

        for (int stage = 0; stage < Depth; stage++, width /= 2)
        {
            _upsampling[stage] = ConvTranspose2d(width, width / 2, 2, stride: 2);
            _up[stage] = new DoubleConvolution(width, width / 2);
            register_module($"up{stage + 1}", Sequential(("up", _upsampling[stage]), ("conv", _up[stage])));
        }

        _classifier = Conv2d(width, config.Classes, 1);
        register_module("outc", Sequential(("conv", _classifier)));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        Tensor[] skips = new Tensor[Depth];
        Tensor features = _down[0].call(image);
        for (int stage = 0; stage < Depth; stage++)
        {
            skips[stage] = features;
            using Tensor halved = functional.max_pool2d(features, 2);
            features = _down[stage + 1].call(halved);
        }

        if (training && _dropout > 0)
        {
            using Tensor whole = features;
            features = functional.dropout2d(whole, _dropout, training);
        }

        for (int stage = 0; stage < Depth; stage++)
        {
            using Tensor coarse = features;
            using Tensor skip = skips[Depth - 1 - stage];
            using Tensor doubled = _upsampling[stage].call(coarse);
            using Tensor fitted = PadTo(doubled, skip);
            using Tensor both = cat([skip, fitted], 1);
            features = _up[stage].call(both);
        }

        using (features)
            return _classifier.call(features);
    }

    /// <inheritdoc/>
    public override void InitializeWeights(long seed) => WeightInitialization.KaimingNormal(this, seed);

    /// <inheritdoc/>
    public override string Describe(OnnxGraph graph, string image)
    {
        string[] skips = new string[Depth];
        string features = graph.Layer(_down[0], image);
        for (int stage = 0; stage < Depth; stage++)
        {
            skips[stage] = features;
            features = graph.Layer(_down[stage + 1], graph.Add("MaxPool", [features], ("kernel_shape", (long[])[2, 2]), ("strides", (long[])[2, 2])));
        }

        for (int stage = 0; stage < Depth; stage++)
        {
            string skip = skips[Depth - 1 - stage];
            string fitted = PadTo(graph, graph.Layer(_upsampling[stage], features), skip);
            features = graph.Layer(_up[stage], graph.Add("Concat", [skip, fitted], ("axis", 1L)));
        }

        return graph.Layer(_classifier, features);
    }

    private static Tensor PadTo(Tensor features, Tensor target)
    {
        long rows = target.shape[2] - features.shape[2];
        long columns = target.shape[3] - features.shape[3];
        return (rows, columns) == (0, 0)
            ? features.alias()
            : functional.pad(features, (columns / 2, columns - (columns / 2), rows / 2, rows - (rows / 2)), PaddingModes.Constant, 0);
    }

    // What is missing of the last two dimensions, half of it before and the rest behind.
    private static string PadTo(OnnxGraph graph, string features, string target)
    {
        (string before, string behind)[] sides =
        [
            .. ((int[])[2, 3]).Select(dimension =>
            {
                string missing = graph.Add("Sub", [graph.Side(target, dimension), graph.Side(features, dimension)]);
                string half = graph.Add("Div", [missing, graph.Constant(2L)]);
                return (half, graph.Add("Sub", [missing, half]));
            }),
        ];
        string none = graph.Constant(0L, 0L);
        string pads = graph.Add("Concat", [none, sides[0].before, sides[1].before, none, sides[0].behind, sides[1].behind], ("axis", 0L));
        return graph.Add("Pad", [features, pads], ("mode", "constant"));
    }
}

/// <summary>Two 3x3 convolutions, each with batch normalisation and ReLU.</summary>
internal sealed class DoubleConvolution : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly NormalizedConvolution[] _steps;

    public DoubleConvolution(long inputs, long outputs)
        : base(nameof(DoubleConvolution))
    {
        Conv2d[] convolutions = [Conv2d(inputs, outputs, 3, padding: 1, bias: false), Conv2d(outputs, outputs, 3, padding: 1, bias: false)];
        BatchNorm2d[] norms = [BatchNorm2d(outputs), BatchNorm2d(outputs)];
        register_module("double_conv", Sequential(convolutions[0], norms[0], ReLU(), convolutions[1], norms[1], ReLU()));
        _steps = [.. convolutions.Zip(norms, (convolution, norm) => new NormalizedConvolution(convolution, norm))];
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor first = _steps[0].Apply(input, rectifies: true);
        return _steps[1].Apply(first, rectifies: true);
    }

    public string Describe(OnnxGraph graph, string input) => _steps.Aggregate(input, (value, step) => step.Describe(graph, value, rectifies: true));
}
