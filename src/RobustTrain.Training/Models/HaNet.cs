using RobustTrain.Runs.Configuration;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// HANet (Han, Wu, Guo, Hu, Chen: HANet: A Hierarchical Attention Network for Change Detection With Bitemporal
/// Very-High-Resolution Remote Sensing Images, IEEE JSTARS 2023): four scales of features of either image by the same weights,
/// fused at each scale under channel, row and column attention, and brought together from the coarsest to the finest.
/// </summary>
/// <remarks>
/// Parameters carry the names and shapes of the implementation in Pylon, so its weights load here; its four convolutions
/// c1_conv to c4_conv, which nothing uses, are left out. Where that implementation pools to 128, 64 and 32 pixels,
/// which fits images of 256 pixels only, this one halves the sides, so that any sides that divide by 8 fit.
/// It has no dropout.
/// </remarks>
public sealed class HaNet : ChangeDetectionModel
{
    private const string ModelName = "hanet";
    private const int ScaleCount = 4;
    private const int Stride = 1 << (ScaleCount - 1);

    internal static readonly ModelDefinition Definition =
        new(ModelName, config => new HaNet(config), FindConfigurationProblem, FindImageSizeProblem);

    private static readonly string[] CellNames = ["conv0", "conv2", "conv4", "conv5"];

    [ComponentName(Name = "conv0_0")]
    private readonly Conv2d _stem;

    private readonly FeatureExtractionCell[] _cells = new FeatureExtractionCell[ScaleCount];
    private readonly FusionStage[] _fusions = new FusionStage[ScaleCount];
    [ComponentName(Name = "conv6")]
    private readonly Conv2d _merging;

    [ComponentName(Name = "conv7")]
    private readonly Conv2d _classifier;

    private HaNet(ModelConfig config)
        : base(ModelName)
    {
        bool ofEachImage = EncoderNormalization.IsOfEachImage(config);
        int[] widths = [.. Enumerable.Range(0, ScaleCount).Select(scale => config.BaseChannels << scale)];
        _stem = Conv2d(config.InChannels, widths[0], 5, padding: 2);
        _merging = Conv2d(widths.Sum(), widths[1], 1);
        _classifier = Conv2d(widths[1], config.Classes, 3, padding: 1, bias: false);
        for (int scale = 0; scale < ScaleCount; scale++)
        {
            _cells[scale] = new FeatureExtractionCell(widths[Math.Max(scale - 1, 0)], widths[scale], ofEachImage);
            register_module(CellNames[scale], _cells[scale]);
            _fusions[scale] = new FusionStage(this, scale + 1, widths[scale]);
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image1, Tensor image2)
    {
        Tensor[] features1 = Encode(image1);
        Tensor[] features2 = Encode(image2);

        Tensor merged = Fuse(ScaleCount - 1, features1, features2);
        for (int scale = ScaleCount - 2; scale >= 0; scale--)
        {
            using Tensor coarser = merged;
            using Tensor upsampled = functional.interpolate(coarser, scale_factor: [2, 2], mode: InterpolationMode.Bilinear, align_corners: false);
            using Tensor fused = Fuse(scale, features1, features2);
            merged = cat([fused, upsampled], 1);
        }

        using (merged)
        {
            using Tensor mixed = _merging.call(merged);
            return _classifier.call(mixed);
        }
    }

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed) => WeightInitialization.KaimingNormal(this, seed);

    private static string? FindConfigurationProblem(ModelConfig config) =>
        config.BaseChannels % 2 == 0 ? null : $"its grouped convolutions need an even model.base_channels, and it is {config.BaseChannels}";

    private static string? FindImageSizeProblem(int height, int width) =>
        height % Stride == 0 && width % Stride == 0 && height > 0 && width > 0
            ? null
            : $"it halves them {ScaleCount - 1} times and doubles them again, so each side must divide by {Stride}";

    private Tensor[] Encode(Tensor image)
    {
        Tensor[] features = new Tensor[ScaleCount];
        for (int scale = 0; scale < ScaleCount; scale++)
        {
            using Tensor input = scale == 0 ? _stem.call(image) : functional.avg_pool2d(features[scale - 1], 2);
            features[scale] = _cells[scale].call(input);
        }

        return features;
    }

    private Tensor Fuse(int scale, Tensor[] features1, Tensor[] features2)
    {
        using Tensor first = features1[scale];
        using Tensor second = features2[scale];
        return _fusions[scale].Apply(first, second);
    }
}
