using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ImageNetworks;

/// <summary>
/// The layers of a residual network before its classifier (He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016, table 1),
/// with the stride of a bottleneck in its 3x3 convolution, as torchvision has it.
/// </summary>
/// <remarks>Parameters carry the names and shapes of torchvision's, so that its weights load here and the other way round.</remarks>
internal sealed class ResNetFeatures
{
    private static readonly Dictionary<string, (int[] Blocks, bool HasBottlenecks)> s_variants = new(StringComparer.Ordinal)
    {
        ["resnet18"] = ([2, 2, 2, 2], false),
        ["resnet34"] = ([3, 4, 6, 3], false),
        ["resnet50"] = ([3, 4, 6, 3], true),
    };

    private readonly NormalizedConvolution _stem;
    private readonly bool _hasSmallStem;
    private readonly Module<Tensor, Tensor>[] _layers = new Module<Tensor, Tensor>[4];

    /// <summary>Registers the layers on a network: conv1, bn1 and layer1 to layer4.</summary>
    /// <param name="owner">The network.</param>
    /// <param name="variant">One of <see cref="Variants"/>.</param>
    /// <param name="inChannels">The images' channels.</param>
    /// <param name="baseChannels">The channels of the first layer, 64 in the paper; each of the next has twice as many.</param>
    /// <param name="hasSmallStem">Whether the images are small: then the first convolution is 3x3 with stride 1, and no pooling follows (section 4.2 of the paper).</param>
    /// <param name="isDilated">Whether the last two layers dilate their convolutions in place of strides (Chen et al., 2017, section 3.1), so that features are 8 pixels apart and not 32.</param>
    public ResNetFeatures(nn.Module owner, string variant, int inChannels, int baseChannels, bool hasSmallStem, bool isDilated = false)
    {
        (int[] blocks, bool hasBottlenecks) = s_variants[variant];
        _hasSmallStem = hasSmallStem;
        Conv2d first = hasSmallStem ? Conv2d(inChannels, baseChannels, 3, padding: 1, bias: false) : Conv2d(inChannels, baseChannels, 7, stride: 2, padding: 3, bias: false);
        _stem = NormalizedConvolution.On(owner, "conv1", "bn1", first, baseChannels);
        long channels = baseChannels;
        long dilation = 1;
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            long stride = layer == 0 ? 1 : 2;
            long firstDilation = dilation;
            if (isDilated && layer >= 2)
                (dilation, stride) = (dilation * stride, 1);
            long width = (long)baseChannels << layer;
            List<ResidualBlock> made = [];
            for (int block = 0; block < blocks[layer]; block++)
            {
                made.Add(new ResidualBlock(channels, width, hasBottlenecks, block == 0 ? stride : 1, block == 0 ? firstDilation : dilation));
                channels = made[^1].Channels;
            }

            _layers[layer] = Sequential(made);
            owner.register_module($"layer{layer + 1}", _layers[layer]);
        }

        Channels = channels;
    }

    /// <summary>The variants' names.</summary>
    public static IReadOnlyCollection<string> Variants => s_variants.Keys;

    /// <summary>The channels of the last features.</summary>
    public long Channels { get; }

    /// <summary>The last features of images.</summary>
    public Tensor Apply(Tensor image)
    {
        Tensor features = _stem.Apply(image, rectifies: true);
        if (!_hasSmallStem)
        {
            using Tensor unpooled = features;
            features = functional.max_pool2d(unpooled, 3, stride: 2, padding: 1);
        }

        foreach (Module<Tensor, Tensor> layer in _layers)
        {
            using Tensor before = features;
            features = layer.call(before);
        }

        return features;
    }

    /// <summary>The same in ONNX's operators.</summary>
    public string Describe(OnnxGraph graph, string image)
    {
        string features = _stem.Describe(graph, image, rectifies: true);
        if (!_hasSmallStem)
            features = graph.Add("MaxPool", [features], ("kernel_shape", (long[])[3, 3]), ("strides", (long[])[2, 2]), ("pads", (long[])[1, 1, 1, 1]));
        return _layers.Aggregate(features, (value, layer) => graph.Layer(layer, value));
    }
}

/// <summary>A residual block: two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1 with four times the channels.</summary>
internal sealed class ResidualBlock : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly NormalizedConvolution[] _path;
    private readonly NormalizedConvolution? _shortcut;

    public ResidualBlock(long inputs, long width, bool isBottleneck, long stride, long dilation)
        : base(nameof(ResidualBlock))
    {
        Channels = isBottleneck ? 4 * width : width;
        Conv2d[] convolutions = isBottleneck
            ?
            [
                Conv2d(inputs, width, 1, bias: false),
                Conv2d(width, width, 3, stride: stride, padding: dilation, dilation: dilation, bias: false),
                Conv2d(width, Channels, 1, bias: false),
            ]
            :
            [
                Conv2d(inputs, width, 3, stride: stride, padding: dilation, dilation: dilation, bias: false),
                Conv2d(width, width, 3, padding: dilation, dilation: dilation, bias: false),
            ];
        _path = [.. convolutions.Select((convolution, place) => NormalizedConvolution.On(this, $"conv{place + 1}", $"bn{place + 1}", convolution, convolution.out_channels))];
        if (stride == 1 && inputs == Channels)
            return;
        Conv2d projection = Conv2d(inputs, Channels, 1, stride: stride, bias: false);
        BatchNorm2d norm = BatchNorm2d(Channels);
        register_module("downsample", Sequential(projection, norm));
        _shortcut = new NormalizedConvolution(projection, norm);
    }

    /// <summary>The channels that it gives.</summary>
    public long Channels { get; }

    public override Tensor forward(Tensor input)
    {
        Tensor features = input.alias();
        for (int place = 0; place < _path.Length; place++)
        {
            using Tensor before = features;
            features = _path[place].Apply(before, rectifies: place < _path.Length - 1);
        }

        using Tensor residual = features;
        using Tensor kept = _shortcut?.Apply(input, rectifies: false) ?? input.alias();
        using Tensor sum = residual + kept;
        return functional.relu(sum);
    }

    public string Describe(OnnxGraph graph, string input)
    {
        string features = input;
        for (int place = 0; place < _path.Length; place++)
            features = _path[place].Describe(graph, features, rectifies: place < _path.Length - 1);
        return graph.Add("Relu", [graph.Add("Add", [features, _shortcut?.Describe(graph, input, rectifies: false) ?? input])]);
    }
}
