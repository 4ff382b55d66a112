using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ImageNetworks;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.Segmentation.Models;

/// <summary>
/// DeepLabv3 (Chen, Papandreou, Schroff, Adam: Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv:1706.05587, 2017): a residual
/// network whose last layers dilate in place of strides, atrous spatial pyramid pooling with the rates 12, 24 and 36 and the image's mean beside it,
/// and a classifier whose map is enlarged bilinearly to the image's size.
/// </summary>
/// <remarks>
/// Parameters carry the names and shapes of torchvision's deeplabv3_resnet50, without its auxiliary classifier, so that its weights load here and the
/// other way round; its width of 256 is four times <c>base_channels</c>, which is 64 there.
/// </remarks>
internal sealed class DeepLabV3 : ImageModel
{
    private const string ModelName = "deeplabv3";

    // Of the features that pyramid pooling sees.
    private const int Stride = 8;

    /// <summary>What the catalogue knows of it.</summary>
    public static readonly NetworkDefinition<ImageModel> Definition = new(ModelName, config => new DeepLabV3(config), "classes", "class_names", "base_channels", "dropout", "backbone")
    {
        Head = "classifier.4.",
        StrideOf = _ => Stride,
    };

    private static readonly long[] s_rates = [12, 24, 36];

    private readonly double _dropout;
    private readonly ResNetFeatures _features;
    private readonly NormalizedConvolution[] _pyramid;
    private readonly NormalizedConvolution _mean;
    private readonly NormalizedConvolution _projection;
    private readonly NormalizedConvolution _mixing;
    private readonly Conv2d _classifier;

    private DeepLabV3(ModelConfig config)
        : base(ModelName)
    {
        _dropout = config.Dropout;
        Backbone backbone = new(config);
        register_module("backbone", backbone);
        _features = backbone.Features;
        long width = 4L * config.BaseChannels;
        (Conv2d Convolution, BatchNorm2d Norm)[] branches =
        [
            (Conv2d(_features.Channels, width, 1, bias: false), BatchNorm2d(width)),
            .. s_rates.Select(rate => (Conv2d(_features.Channels, width, 3, padding: rate, dilation: rate, bias: false), BatchNorm2d(width))),
            (Conv2d(_features.Channels, width, 1, bias: false), BatchNorm2d(width)),
        ];
        NormalizedConvolution[] all = [.. branches.Select(branch => new NormalizedConvolution(branch.Convolution, branch.Norm))];
        (_pyramid, _mean) = (all[..^1], all[^1]);
        (Conv2d projection, BatchNorm2d projectionNorm) = (Conv2d((s_rates.Length + 2) * width, width, 1, bias: false), BatchNorm2d(width));
        (Conv2d mixing, BatchNorm2d mixingNorm) = (Conv2d(width, width, 3, padding: 1, bias: false), BatchNorm2d(width));
        _projection = new NormalizedConvolution(projection, projectionNorm);
        _mixing = new NormalizedConvolution(mixing, mixingNorm);
        _classifier = Conv2d(width, config.Classes, 1);

        // The image's mean comes first in its branch, which has no weights.
        Module<Tensor, Tensor>[] convs =
        [
            .. branches.SkipLast(1).Select(branch => Sequential(branch.Convolution, branch.Norm, ReLU())),
            Sequential(AdaptiveAvgPool2d(1), branches[^1].Convolution, branches[^1].Norm, ReLU()),
        ];
        Module<Tensor, Tensor> pooling = Sequential(("convs", Sequential(convs)), ("project", Sequential(projection, projectionNorm, ReLU(), nn.Dropout(_dropout))));
        register_module("classifier", Sequential(pooling, mixing, mixingNorm, ReLU(), _classifier));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using Tensor features = _features.Apply(image);
        Tensor[] seen = [.. _pyramid.Select(branch => branch.Apply(features, rectifies: true)), Mean(features)];
        using Tensor all = cat(seen, 1);
        foreach (Tensor branch in seen)
            branch.Dispose();
        using Tensor projected = _projection.Apply(all, rectifies: true);
        using Tensor kept = training && _dropout > 0 ? functional.dropout(projected, _dropout, training) : projected.alias();
        using Tensor mixed = _mixing.Apply(kept, rectifies: true);
        using Tensor coarse = _classifier.call(mixed);
        return functional.interpolate(coarse, [image.shape[2], image.shape[3]], mode: InterpolationMode.Bilinear, align_corners: false);
    }

    /// <inheritdoc/>
    public override void InitializeWeights(long seed) => WeightInitialization.KaimingNormal(this, seed);

    /// <inheritdoc/>
    public override string Describe(OnnxGraph graph, string image)
    {
        string features = _features.Describe(graph, image);
        string mean = _mean.Describe(graph, graph.Add("GlobalAveragePool", [features]), rectifies: true);
        string[] branches = [.. _pyramid.Select(branch => branch.Describe(graph, features, rectifies: true))];
        string spread = graph.Add("Expand", [mean, graph.Add("Shape", [branches[0]])]);
        string projected = _projection.Describe(graph, graph.Add("Concat", [.. branches, spread], ("axis", 1L)), rectifies: true);
        string coarse = graph.Layer(_classifier, _mixing.Describe(graph, projected, rectifies: true));
        string size = graph.Add("Concat", [graph.Side(coarse, 0), graph.Side(coarse, 1), graph.Side(image, 2), graph.Side(image, 3)], ("axis", 0L));
        return graph.Add("Resize", [coarse, "", "", size], ("mode", "linear"), ("coordinate_transformation_mode", "half_pixel"));
    }

    // One value for each channel, spread over all places.
    private Tensor Mean(Tensor features)
    {
        using Tensor pooled = functional.adaptive_avg_pool2d(features, 1);
        using Tensor mixed = _mean.Apply(pooled, rectifies: true);
        using Tensor spread = mixed.expand(features.shape[0], mixed.shape[1], features.shape[2], features.shape[3]);
        return spread.contiguous();
    }

    /// <summary>The residual network, under the names that torchvision gives it within DeepLabv3.</summary>
    private sealed class Backbone : nn.Module
    {
        public Backbone(ModelConfig config)
            : base(nameof(Backbone)) =>
            Features = new ResNetFeatures(this, config.Backbone, config.InChannels, config.BaseChannels, hasSmallStem: false, isDilated: true);

        public ResNetFeatures Features { get; }
    }
}
