using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

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

    internal static readonly NetworkDefinition<ChangeDetectionModel> Definition =
        new(ModelName, config => new HaNet(config), "classes", "base_channels", "evaluation_statistics")
        {
            Head = "conv7.",
            FindConfigurationProblem = FindConfigurationProblem,
            FindImageSizeProblem = FindImageSizeProblem,
            StrideOf = _ => Stride,
        };

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

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image1, string image2)
    {
        string[] features1 = Encode(graph, image1);
        string[] features2 = Encode(graph, image2);
        string merged = _fusions[^1].Describe(graph, features1[^1], features2[^1]);
        for (int scale = ScaleCount - 2; scale >= 0; scale--)
        {
            string upsampled = graph.Add(
                "Resize", [merged, "", graph.Constant(1f, 1, 2, 2)], ("mode", "linear"), ("coordinate_transformation_mode", "half_pixel"));
            merged = graph.Add("Concat", [_fusions[scale].Describe(graph, features1[scale], features2[scale]), upsampled], ("axis", 1L));
        }

        return graph.Layer(_classifier, graph.Layer(_merging, merged));
    }

    private string[] Encode(OnnxGraph graph, string image)
    {
        string[] features = new string[ScaleCount];
        for (int scale = 0; scale < ScaleCount; scale++)
        {
            string input = scale == 0
                ? graph.Layer(_stem, image)
                : graph.Add("AveragePool", [features[scale - 1]], ("kernel_shape", (long[])[2, 2]), ("strides", (long[])[2, 2]));
            features[scale] = graph.Layer(_cells[scale], input);
        }

        return features;
    }

    private static string? FindConfigurationProblem(ModelConfig config) =>
        config.BaseChannels % 2 == 0 ? null : $"its grouped convolutions need an even model.base_channels, and it is {config.BaseChannels}";

    private static string? FindImageSizeProblem(ModelConfig config, int height, int width) =>
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

/// <summary>
/// HANet's feature extraction cell: a 3x3 convolution, and around batch normalisation, ReLU, 1x1 convolution and
/// batch normalisation a residual connection that ends in a ReLU.
/// </summary>
internal sealed class FeatureExtractionCell : Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly bool _ofEachImage;

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _widening;

    [ComponentName(Name = "bn1")]
    private readonly BatchNorm2d _norm1;

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _mixing;

    [ComponentName(Name = "bn2")]
    private readonly BatchNorm2d _norm2;

    public FeatureExtractionCell(int inputs, int outputs, bool ofEachImage)
        : base(nameof(FeatureExtractionCell))
    {
        _ofEachImage = ofEachImage;
        _widening = Conv2d(inputs, outputs, 3, padding: 1);
        _norm1 = BatchNorm2d(outputs);
        _mixing = Conv2d(outputs, outputs, 1, bias: false);
        _norm2 = BatchNorm2d(outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor widened = _widening.call(input);
        using Tensor normalised = EncoderNormalization.Apply(_norm1, widened, _ofEachImage);
        using Tensor activated = functional.relu(normalised);
        using Tensor mixed = _mixing.call(activated);
        using Tensor residual = EncoderNormalization.Apply(_norm2, mixed, _ofEachImage);
        using Tensor sum = widened + residual;
        return functional.relu(sum);
    }

    public string Describe(OnnxGraph graph, string input)
    {
        string widened = graph.Layer(_widening, input);
        string activated = graph.Add("Relu", [EncoderNormalization.Describe(graph, _norm1, widened, _ofEachImage)]);
        string residual = EncoderNormalization.Describe(graph, _norm2, graph.Layer(_mixing, activated), _ofEachImage);
        return graph.Add("Relu", [graph.Add("Add", [widened, residual])]);
    }
}

/// <summary>
/// HANet's fusion of the two images' features at one scale: grouped 3x3 convolutions with dilations 1 to 4 side by side,
/// then channel attention, and row attention over column attention, added up. The modules belong to the network that registered them.
/// </summary>
internal sealed class FusionStage
{
    /// <summary>The channels between which channel attention looks, at every scale.</summary>
    private const int AttentionChannels = 32;

    private readonly Conv2d[] _dilated = new Conv2d[4];
    private readonly Conv2d _mixing;
    private readonly Module<Tensor, Tensor> _channelAttention;
    private readonly LineAttention _rowAttention;
    private readonly LineAttention _columnAttention;

    /// <summary>Registers the modules of a scale, from 1, under the names that HANet's implementation gives them.</summary>
    public FusionStage(Module network, int scale, int width)
    {
        for (int i = 0; i < _dilated.Length; i++)
        {
            int dilation = i + 1;
            _dilated[i] = Conv2d(2 * width, width, 3, padding: dilation, dilation: dilation, groups: width / 2);
            network.register_module($"conv6_{scale}_{dilation}", _dilated[i]);
        }

        _mixing = Conv2d(_dilated.Length * width, width, 1);
        _channelAttention = Sequential(
            ("attn", Sequential(
                Conv2d(width, AttentionChannels, 3, padding: 1), BatchNorm2d(AttentionChannels), PReLU(1),
                new ChannelAttention(),
                Conv2d(AttentionChannels, width, 3, padding: 1), BatchNorm2d(width), PReLU(1))));
        _rowAttention = new LineAttention(width, rows: true);
        _columnAttention = new LineAttention(width, rows: false);
        network.register_module($"conv{scale}_1", _mixing);
        network.register_module($"cam_attention_{scale}", _channelAttention);
        network.register_module($"row_attention_{scale}", _rowAttention);
        network.register_module($"col_attention_{scale}", _columnAttention);
    }

    public Tensor Apply(Tensor features1, Tensor features2)
    {
        using Tensor fused = Fuse(features1, features2);
        using Tensor amongChannels = _channelAttention.call(fused);
        using Tensor amongColumns = _columnAttention.call(fused);
        using Tensor amongRows = _rowAttention.call(amongColumns);
        return amongChannels + amongRows;
    }

    public string Describe(OnnxGraph graph, string features1, string features2)
    {
        string pair = graph.Add("Concat", [features1, features2], ("axis", 1L));
        string fused = graph.Layer(_mixing, graph.Add("Concat", [.. _dilated.Select(convolution => graph.Layer(convolution, pair))], ("axis", 1L)));
        return graph.Add("Add", [graph.Layer(_channelAttention, fused), graph.Layer(_rowAttention, graph.Layer(_columnAttention, fused))]);
    }

    private Tensor Fuse(Tensor features1, Tensor features2)
    {
        using Tensor pair = cat([features1, features2], 1);
        Tensor[] dilated = new Tensor[_dilated.Length];
        for (int i = 0; i < dilated.Length; i++) dilated[i] = _dilated[i].call(pair);

        using Tensor together = cat(dilated, 1);
        foreach (Tensor part in dilated) part.Dispose();
        return _mixing.call(together);
    }
}

/// <summary>
/// Attention among the channels (CAM; Fu et al.: Dual Attention Network for Scene Segmentation, CVPR 2019, section 3.3):
/// a channel attends to those that are least like it. The likeness is divided by the square root of the number of pixels,
/// which keeps the softmax from saturating. The result is added to the input times gamma, which starts at 0.
/// </summary>
internal sealed class ChannelAttention : Module<Tensor, Tensor>, IOnnxLayer
{
    public ChannelAttention()
        : base(nameof(ChannelAttention)) => register_parameter("gamma", new Parameter(zeros(1)));

    public override Tensor forward(Tensor input)
    {
        long[] shape = input.shape;
        using Tensor channels = input.reshape(shape[0], shape[1], shape[2] * shape[3]);
        using Tensor scaled = channels / Math.Sqrt(shape[2] * shape[3]);
        using Tensor transposed = channels.transpose(1, 2);
        using Tensor likeness = scaled.bmm(transposed);
        using Tensor greatest = likeness.amax([-1], keepdim: true);
        using Tensor difference = greatest - likeness;
        using Tensor attention = functional.softmax(difference, -1);
        using Tensor attended = attention.bmm(channels);
        using Tensor features = attended.reshape(shape);
        using Tensor gated = features * get_parameter("gamma")!;
        return gated + input;
    }

    // The greatest likeness is taken off only to keep the softmax in range, which it does by itself.
    public string Describe(OnnxGraph graph, string input)
    {
        string channels = graph.Add("Reshape", [input, graph.Constant(0L, 0, -1)]);
        string pixels = graph.Add("Cast", [graph.Side(channels, 2)], ("to", (long)OnnxMessages.Float));
        string scaled = graph.Add("Div", [channels, graph.Add("Sqrt", [pixels])]);
        string likeness = graph.Add("MatMul", [scaled, graph.Add("Transpose", [channels], ("perm", (long[])[0, 2, 1]))]);
        string attention = graph.Add("Softmax", [graph.Add("Neg", [likeness])], ("axis", -1L));
        string attended = graph.Add("Reshape", [graph.Add("MatMul", [attention, channels]), graph.Add("Shape", [input])]);
        return graph.Add("Add", [graph.Add("Mul", [attended, graph.Weight(get_parameter("gamma")!)]), input]);
    }
}

/// <summary>
/// HANet's row and column attention: each pixel attends to the pixels of its own row, or of its own column.
/// The result is added to the input times gamma, which starts at 0.
/// </summary>
internal sealed class LineAttention : Module<Tensor, Tensor>, IOnnxLayer
{
    /// <summary>
    /// Elements of an attention map that is computed in one piece. It has the square of a line's length for each line,
    /// more than 1 GB for a whole aerial image, so larger ones are computed some lines at a time.
    /// </summary>
    private const long LargestPiece = 1 << 24;

    private readonly bool _rows;
    [ComponentName(Name = "query_conv")]
    private readonly Conv2d _query;

    [ComponentName(Name = "key_conv")]
    private readonly Conv2d _key;

    [ComponentName(Name = "value_conv")]
    private readonly Conv2d _value;

    /// <summary>Attention in rows, or else in columns, over feature maps of <paramref name="width"/> channels.</summary>
    public LineAttention(int width, bool rows)
        : base(nameof(LineAttention))
    {
        _rows = rows;
        _query = Conv2d(width, width, 1);
        _key = Conv2d(width, width, 1);
        _value = Conv2d(width, width, 1);
        register_parameter("gamma", new Parameter(zeros(1)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor queries = Lines(_query, input);
        using Tensor keys = Lines(_key, input);
        using Tensor values = Lines(_value, input);
        using Tensor attended = Attend(queries, keys, values);
        using Tensor features = FromLines(attended, input.shape);
        using Tensor gated = features * get_parameter("gamma")!;
        return gated + input;
    }

    // N x lines x pixels of a line x C throughout: a matrix product keeps the first two apart.
    public string Describe(OnnxGraph graph, string input)
    {
        long[] lines = _rows ? [0, 2, 3, 1] : [0, 3, 2, 1];
        string queries = graph.Add("Transpose", [graph.Layer(_query, input)], ("perm", lines));
        string keys = graph.Add("Transpose", [graph.Layer(_key, input)], ("perm", _rows ? (long[])[0, 2, 1, 3] : (long[])[0, 3, 1, 2]));
        string values = graph.Add("Transpose", [graph.Layer(_value, input)], ("perm", lines));
        string attention = graph.Add("Softmax", [graph.Add("MatMul", [queries, keys])], ("axis", -1L));
        string attended = graph.Add("Transpose", [graph.Add("MatMul", [attention, values])], ("perm", _rows ? (long[])[0, 3, 1, 2] : (long[])[0, 3, 2, 1]));
        return graph.Add("Add", [graph.Add("Mul", [attended, graph.Weight(get_parameter("gamma")!)]), input]);
    }

    private static Tensor Attend(Tensor queries, Tensor keys, Tensor values)
    {
        long lines = queries.shape[0];
        long length = queries.shape[1];
        long atOnce = Math.Max(1, LargestPiece / (length * length));
        if (atOnce >= lines) return AttendAtOnce(queries, keys, values);

        List<Tensor> pieces = [];
        for (long first = 0; first < lines; first += atOnce)
        {
            long count = Math.Min(atOnce, lines - first);
            using Tensor query = queries.narrow(0, first, count);
            using Tensor key = keys.narrow(0, first, count);
            using Tensor value = values.narrow(0, first, count);
            pieces.Add(AttendAtOnce(query, key, value));
        }

        Tensor attended = cat(pieces, 0);
        foreach (Tensor piece in pieces) piece.Dispose();
        return attended;
    }

    private static Tensor AttendAtOnce(Tensor queries, Tensor keys, Tensor values)
    {
        using Tensor transposed = keys.transpose(1, 2);
        using Tensor likeness = queries.bmm(transposed);
        using Tensor attention = functional.softmax(likeness, -1);
        return attention.bmm(values);
    }

    /// <summary>N x C x H x W to lines x pixels of a line x C.</summary>
    private Tensor Lines(Conv2d projection, Tensor input)
    {
        using Tensor projected = projection.call(input);
        using Tensor lines = _rows ? projected.permute(0, 2, 3, 1) : projected.permute(0, 3, 2, 1);
        long[] shape = lines.shape;
        return lines.reshape(shape[0] * shape[1], shape[2], shape[3]);
    }

    /// <summary>Lines x pixels of a line x C to N x C x H x W.</summary>
    private Tensor FromLines(Tensor lines, long[] shape)
    {
        (long n, long c, long h, long w) = (shape[0], shape[1], shape[2], shape[3]);
        using Tensor split = _rows ? lines.reshape(n, h, w, c) : lines.reshape(n, w, h, c);
        return _rows ? split.permute(0, 3, 1, 2) : split.permute(0, 3, 2, 1);
    }
}
