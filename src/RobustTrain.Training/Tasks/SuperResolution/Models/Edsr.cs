using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>
/// EDSR (Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPR Workshops 2017, section 3):
/// residual blocks without batch normalisation, and pixel shuffles at the end. The paper's table 1 has two sizes: the single-scale
/// EDSR (32 blocks of 256 features, each block's residual times 0.1) and the baseline (16 blocks of 64 features).
/// </summary>
/// <remarks>
/// Parameters carry the names and shapes of BasicSR's EDSR, so that public weights load. At 8 there are three pixel shuffles of 2.
/// </remarks>
public sealed class Edsr : SuperResolutionModel
{
    internal static readonly NetworkDefinition<SuperResolutionModel> Definition = Sized("edsr", features: 256, blocks: 32, residualScale: 0.1);

    internal static readonly NetworkDefinition<SuperResolutionModel> BaselineDefinition = Sized("edsr-baseline", features: 64, blocks: 16, residualScale: 1);

    private readonly MeanShift _mean;

    [ComponentName(Name = "conv_first")]
    private readonly Conv2d _first;

    [ComponentName(Name = "body")]
    private readonly Sequential _body;

    [ComponentName(Name = "conv_after_body")]
    private readonly Conv2d _afterBody;

    [ComponentName(Name = "upsample")]
    private readonly Sequential _upsampling;

    [ComponentName(Name = "conv_last")]
    private readonly Conv2d _last;

    private Edsr(string name, ModelConfig config, double residualScale)
        : base(name, config.Scale)
    {
        (int features, int blocks) = (config.Features!.Value, config.Blocks!.Value);
        _mean = new MeanShift(config.InChannels);
        _first = Convolution(config.InChannels, features);
        _body = Sequential(Enumerable.Range(0, blocks).Select(_ => new ResidualBlock(features, residualScale)));
        _afterBody = Convolution(features, features);
        int step = Scale == 3 ? 3 : 2;
        List<nn.Module<Tensor, Tensor>> upsampling = [];
        for (int scale = 1; scale < Scale; scale *= step)
            upsampling.AddRange([Convolution(features, features * step * step), PixelShuffle(step)]);
        _upsampling = Sequential(upsampling);
        _last = Convolution(features, config.InChannels);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor first = _first.call(_mean.Subtract(image));
        Tensor features = _afterBody.call(_body.call(first)) + first;
        return _mean.Add(_last.call(_upsampling.call(features))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed) => WeightInitialization.KaimingUniform(this, seed);

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image)
    {
        string first = graph.Layer(_first, _mean.Subtract(graph, image));
        string features = graph.Add("Add", [graph.Layer(_afterBody, graph.Layer(_body, first)), first]);
        return _mean.Add(graph, graph.Layer(_last, graph.Layer(_upsampling, features)));
    }

    private static NetworkDefinition<SuperResolutionModel> Sized(string name, int features, int blocks, double residualScale) =>
        ModelCatalog.Defined(name, config => new Edsr(name, config, residualScale), features, blocks, scales: [2, 3, 4, 8]);

    private sealed class ResidualBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
    {
        private readonly double _scale;

        [ComponentName(Name = "conv1")]
        private readonly Conv2d _first;

        [ComponentName(Name = "conv2")]
        private readonly Conv2d _second;

        public ResidualBlock(int features, double scale)
            : base(nameof(ResidualBlock))
        {
            _scale = scale;
            _first = Convolution(features, features);
            _second = Convolution(features, features);
            RegisterComponents();
        }

        public override Tensor forward(Tensor features)
        {
            using Tensor convolved = _first.call(features);
            using Tensor activated = functional.relu(convolved);
            using Tensor residual = _second.call(activated);
            using Tensor scaled = residual * _scale;
            return features + scaled;
        }

        public string Describe(OnnxGraph graph, string features)
        {
            string residual = graph.Layer(_second, graph.Add("Relu", [graph.Layer(_first, features)]));
            return graph.Add("Add", [features, graph.Add("Mul", [residual, graph.Constant((float)_scale)])]);
        }
    }
}
