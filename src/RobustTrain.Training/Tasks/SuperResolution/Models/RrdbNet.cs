using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>
/// RRDBNet (Wang et al.: ESRGAN, ECCV Workshops 2018, section 3.1): 23 residual-in-residual dense blocks of 64 features, each of whose
/// convolutions adds 32, and two doublings of the sides at the end. For the scales 1 and 2 the input's pixels are first laid into
/// channels, 4 x 4 or 2 x 2 of them (Wang et al.: Real-ESRGAN, 2021, section 4.1).
/// </summary>
/// <remarks>Parameters carry the names and shapes of BasicSR's RRDBNet, so that the weights of RealESRGAN_x4plus and x2plus load.</remarks>
public sealed class RrdbNet : SuperResolutionModel
{
    private const string ModelName = "rrdbnet";
    private const int NativeScale = 4;
    private const int Growth = 32;
    private const double ResidualScale = 0.2;
    private const double NegativeSlope = 0.2;

    // As the authors: the first weights of the dense blocks are a tenth of He's.
    private const double InitialScale = 0.1;

    internal static readonly NetworkDefinition<SuperResolutionModel> Definition =
        ModelCatalog.Defined(ModelName, config => new RrdbNet(config), features: 64, blocks: 23, scales: [1, 2, 4], StrideOf);

    private readonly int _stride;

    [ComponentName(Name = "conv_first")]
    private readonly Conv2d _first;

    [ComponentName(Name = "body")]
    private readonly Sequential _body;

    [ComponentName(Name = "conv_body")]
    private readonly Conv2d _afterBody;

    [ComponentName(Name = "conv_up1")]
    private readonly Conv2d _up1;

    [ComponentName(Name = "conv_up2")]
    private readonly Conv2d _up2;

    [ComponentName(Name = "conv_hr")]
    private readonly Conv2d _large;

    [ComponentName(Name = "conv_last")]
    private readonly Conv2d _last;

    private RrdbNet(ModelConfig config)
        : base(ModelName, config.Scale)
    {
        int features = config.Features!.Value;
        _stride = StrideOf(Scale);
        _first = Convolution(config.InChannels * _stride * _stride, features);
        _body = Sequential(Enumerable.Range(0, config.Blocks!.Value).Select(_ => new ResidualInResidual(features)));
        _afterBody = Convolution(features, features);
        _up1 = Convolution(features, features);
        _up2 = Convolution(features, features);
        _large = Convolution(features, features);
        _last = Convolution(features, config.InChannels);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor first = _first.call(_stride == 1 ? image : functional.pixel_unshuffle(image, _stride));
        Tensor features = first + _afterBody.call(_body.call(first));
        features = Activated(_up1.call(NearestUpsampling.Apply(features, 2)));
        features = Activated(_up2.call(NearestUpsampling.Apply(features, 2)));
        return _last.call(Activated(_large.call(features))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed)
    {
        WeightInitialization.KaimingUniform(this, seed);
        WeightInitialization.KaimingNormalOfInputs(this, seed, InitialScale, name => name.StartsWith("body.", StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image)
    {
        string first = graph.Layer(_first, _stride == 1 ? image : graph.PixelUnshuffle(image, _stride));
        string features = graph.Add("Add", [first, graph.Layer(_afterBody, graph.Layer(_body, first))]);
        features = Activated(graph, graph.Layer(_up1, NearestUpsampling.Describe(graph, features, 2)));
        features = Activated(graph, graph.Layer(_up2, NearestUpsampling.Describe(graph, features, 2)));
        return graph.Layer(_last, Activated(graph, graph.Layer(_large, features)));
    }

    private static int StrideOf(int scale) => NativeScale / scale;

    private static Tensor Activated(Tensor features) => functional.leaky_relu(features, NegativeSlope);

    private static string Activated(OnnxGraph graph, string features) => graph.Add("LeakyRelu", [features], ("alpha", (float)NegativeSlope));

    private static Tensor Residual(Tensor input, Tensor output)
    {
        using Tensor scaled = output * ResidualScale;
        return scaled + input;
    }

    private static string Residual(OnnxGraph graph, string input, string output) =>
        graph.Add("Add", [graph.Add("Mul", [output, graph.Constant((float)ResidualScale)]), input]);

    private sealed class ResidualInResidual : nn.Module<Tensor, Tensor>, IOnnxLayer
    {
        private readonly DenseBlock[] _blocks;

        public ResidualInResidual(int features)
            : base(nameof(ResidualInResidual))
        {
            _blocks = [new(features), new(features), new(features)];
            for (int i = 0; i < _blocks.Length; i++)
                register_module($"rdb{i + 1}", _blocks[i]);
        }

        public override Tensor forward(Tensor features)
        {
            using Tensor first = _blocks[0].call(features);
            using Tensor second = _blocks[1].call(first);
            using Tensor third = _blocks[2].call(second);
            return Residual(features, third);
        }

        public string Describe(OnnxGraph graph, string features) =>
            Residual(graph, features, _blocks.Aggregate(features, (value, block) => block.Describe(graph, value)));
    }

    private sealed class DenseBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
    {
        private const int ConvolutionCount = 5;

        private readonly Conv2d[] _convolutions;

        public DenseBlock(int features)
            : base(nameof(DenseBlock))
        {
            _convolutions = [.. Enumerable.Range(0, ConvolutionCount).Select(i =>
                Convolution(features + (i * Growth), i == ConvolutionCount - 1 ? features : Growth))];
            for (int i = 0; i < _convolutions.Length; i++)
                register_module($"conv{i + 1}", _convolutions[i]);
        }

        public override Tensor forward(Tensor features)
        {
            using IDisposable scope = NewDisposeScope();
            List<Tensor> seen = [features];
            foreach (Conv2d convolution in _convolutions[..^1])
                seen.Add(Activated(convolution.call(All(seen))));
            return Residual(features, _convolutions[^1].call(All(seen))).MoveToOuterDisposeScope();

            static Tensor All(List<Tensor> features) => features.Count == 1 ? features[0] : cat(features, 1);
        }

        public string Describe(OnnxGraph graph, string features)
        {
            List<string> seen = [features];
            foreach (Conv2d convolution in _convolutions[..^1])
                seen.Add(Activated(graph, graph.Layer(convolution, All())));
            return Residual(graph, features, graph.Layer(_convolutions[^1], All()));

            string All() => seen.Count == 1 ? seen[0] : graph.Add("Concat", [.. seen], ("axis", 1L));
        }
    }
}
