using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>
/// SPAN (Wan et al.: Swift Parameter-free Attention Network for Efficient Super-Resolution, CVPR Workshops 2024, section 3):
/// six blocks of three convolutions, whose output is its own attention, and one pixel shuffle at the end. Each convolution is trained
/// as a chain of 1 x 1, 3 x 3 and 1 x 1 beside a 1 x 1 of its own, which evaluation computes as the one 3 x 3 that it equals.
/// </summary>
/// <remarks>
/// 48 features. Parameters carry the names and shapes of the authors' implementation (hongyuanyu/SPAN), so that public weights load:
/// <c>eval_conv</c>, the one convolution, is among them and is not learned. As there, SiLU works in place, so that the last block's
/// first features come after their activation to the end of the network.
/// </remarks>
public sealed class Span : SuperResolutionModel
{
    private const string ModelName = "span";
    private const int BlockCount = 6;

    internal static readonly NetworkDefinition<SuperResolutionModel> Definition =
        ModelCatalog.Defined(ModelName, config => new Span(config), features: 48, BlockCount, onlyBlocks: true);

    private readonly MeanShift _mean;

    [ComponentName(Name = "conv_1")]
    private readonly CollapsibleConvolution _first;

    private readonly AttentionBlock[] _blocks;

    [ComponentName(Name = "conv_2")]
    private readonly CollapsibleConvolution _afterBlocks;

    [ComponentName(Name = "conv_cat")]
    private readonly Conv2d _merging;

    [ComponentName(Name = "upsampler")]
    private readonly Sequential _upsampling;

    private Span(ModelConfig config)
        : base(ModelName, config.Scale)
    {
        int features = config.Features!.Value;
        _mean = new MeanShift(config.InChannels);
        _first = new CollapsibleConvolution(config.InChannels, features);
        _blocks = [.. Enumerable.Range(0, BlockCount).Select(_ => new AttentionBlock(features))];
        for (int i = 0; i < BlockCount; i++)
            register_module($"block_{i + 1}", _blocks[i]);
        _afterBlocks = new CollapsibleConvolution(features, features);
        _merging = Conv2d(4 * features, features, 1);
        _upsampling = Sequential(Convolution(features, config.InChannels * Scale * Scale), PixelShuffle(Scale));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor first = _first.call(_mean.Subtract(image));
        Tensor[] features = new Tensor[BlockCount];
        Tensor inner = first;
        for (int i = 0; i < BlockCount; i++)
            (features[i], inner) = _blocks[i].Apply(i == 0 ? first : features[i - 1]);
        return _upsampling.call(_merging.call(cat([first, _afterBlocks.call(features[^1]), features[0], inner], 1))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void train(bool on = true)
    {
        base.train(on);
        if (!on)
            Collapse();
    }

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed)
    {
        WeightInitialization.KaimingUniform(this, seed);
        Collapse();
    }

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image)
    {
        Collapse();
        string first = graph.Layer(_first, _mean.Subtract(graph, image));
        (string Features, string Inner)[] blocks = new (string, string)[BlockCount];
        for (int i = 0; i < BlockCount; i++)
            blocks[i] = _blocks[i].Describe(graph, i == 0 ? first : blocks[i - 1].Features);
        string all = graph.Add("Concat", [first, graph.Layer(_afterBlocks, blocks[^1].Features), blocks[0].Features, blocks[^1].Inner], ("axis", 1L));
        return graph.Layer(_upsampling, graph.Layer(_merging, all));
    }

    private void Collapse()
    {
        foreach (CollapsibleConvolution convolution in modules().OfType<CollapsibleConvolution>())
            convolution.Collapse();
    }

    /// <summary>Conv3XC of the paper, section 3.3.</summary>
    private sealed class CollapsibleConvolution : nn.Module<Tensor, Tensor>, IOnnxLayer
    {
        private const int Gain = 2;

        [ComponentName(Name = "sk")]
        private readonly Conv2d _skip;

        [ComponentName(Name = "conv")]
        private readonly Sequential _chain;

        [ComponentName(Name = "eval_conv")]
        private readonly Conv2d _collapsed;

        private readonly Conv2d[] _links;

        public CollapsibleConvolution(int inputs, int outputs)
            : base(nameof(CollapsibleConvolution))
        {
            _skip = Conv2d(inputs, outputs, 1);
            _links = [Conv2d(inputs, Gain * inputs, 1), Conv2d(Gain * inputs, Gain * outputs, 3), Conv2d(Gain * outputs, outputs, 1)];
            _chain = Sequential(_links);
            _collapsed = Convolution(inputs, outputs);
            _collapsed.weight.requires_grad = false;
            _collapsed.bias!.requires_grad = false;
            RegisterComponents();
        }

        // The border of zeros comes before the chain, so that its biases reach the border as they reach every pixel.
        public override Tensor forward(Tensor features)
        {
            if (!training)
                return _collapsed.call(features);
            using Tensor padded = functional.pad(features, (1, 1, 1, 1));
            using Tensor chained = _chain.call(padded);
            using Tensor skipped = _skip.call(features);
            return chained + skipped;
        }

        public string Describe(OnnxGraph graph, string features) => graph.Layer(_collapsed, features);

        /// <summary>
        /// Makes the one convolution that the chain and the skip equal: <c>W[o, i] = sum over a, b of w3[o, b] w2[b, a] w1[a, i]</c>,
        /// and the skip's weight in its middle; a bias goes through the links after its own.
        /// </summary>
        public void Collapse()
        {
            using IDisposable scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            Tensor first = _links[0].weight.squeeze(-1).squeeze(-1);
            Tensor last = _links[2].weight.squeeze(-1).squeeze(-1);
            Tensor weight = einsum("ob,bayx,ai->oiyx", last, _links[1].weight, first);
            Tensor bias = einsum("ba,a->b", _links[1].weight.sum([2, 3]), _links[0].bias!) + _links[1].bias!;
            weight.narrow(2, 1, 1).narrow(3, 1, 1).add_(_skip.weight);
            _collapsed.weight.copy_(weight);
            _collapsed.bias!.copy_(einsum("ob,b->o", last, bias) + _links[2].bias! + _skip.bias!);
        }
    }

    /// <summary>SPAB of the paper, section 3.2.</summary>
    private sealed class AttentionBlock : nn.Module<Tensor, Tensor>
    {
        [ComponentName(Name = "c1_r")]
        private readonly CollapsibleConvolution _first;

        [ComponentName(Name = "c2_r")]
        private readonly CollapsibleConvolution _second;

        [ComponentName(Name = "c3_r")]
        private readonly CollapsibleConvolution _third;

        public AttentionBlock(int features)
            : base(nameof(AttentionBlock))
        {
            _first = new CollapsibleConvolution(features, features);
            _second = new CollapsibleConvolution(features, features);
            _third = new CollapsibleConvolution(features, features);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => Apply(input).Output;

        /// <summary>The block's output, and its first features.</summary>
        public (Tensor Output, Tensor Inner) Apply(Tensor input)
        {
            using IDisposable scope = NewDisposeScope();
            Tensor first = functional.silu(_first.call(input));
            Tensor third = _third.call(functional.silu(_second.call(first)));
            Tensor attention = sigmoid(third) - 0.5;
            Tensor output = (third + input) * attention;
            return (output.MoveToOuterDisposeScope(), first.MoveToOuterDisposeScope());
        }

        public (string Output, string Inner) Describe(OnnxGraph graph, string input)
        {
            string first = Silu(graph.Layer(_first, input));
            string third = graph.Layer(_third, Silu(graph.Layer(_second, first)));
            string attention = graph.Add("Sub", [graph.Add("Sigmoid", [third]), graph.Constant(0.5f)]);
            return (graph.Add("Mul", [graph.Add("Add", [third, input]), attention]), first);

            string Silu(string value) => graph.Add("Mul", [value, graph.Add("Sigmoid", [value])]);
        }
    }
}
