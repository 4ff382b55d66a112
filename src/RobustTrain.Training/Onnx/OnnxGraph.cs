using System.Runtime.InteropServices;
using RobustTrain.Runs;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Onnx;

/// <summary>
/// A network as ONNX's operators (https://onnx.ai/onnx/operators), of those forms that all versions of the operator set from
/// <see cref="OldestOpset"/> to <see cref="NewestOpset"/> share. Weights stand in it under the names of the network's <c>state_dict</c>.
/// </summary>
public sealed class OnnxGraph
{
    /// <summary>The oldest version of the operator set that it can be written in.</summary>
    public const int OldestOpset = 13;

    /// <summary>The newest version.</summary>
    public const int NewestOpset = 21;

    private readonly Dictionary<nint, string> _names;
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _stored = new(StringComparer.Ordinal);
    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _initializers = [];
    private readonly List<byte[]> _inputs = [];
    private readonly List<byte[]> _outputs = [];

    /// <summary>An empty graph.</summary>
    /// <param name="model">The network whose weights it will hold, on the CPU.</param>
    public OnnxGraph(nn.Module model)
    {
        _names = model.named_parameters().Select(named => (named.name, (Tensor)named.parameter))
            .Concat(model.named_buffers().Select(named => (named.name, named.buffer)))
            .ToDictionary(named => named.Item2.Handle, named => named.name);
    }

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes { get; private set; }

    /// <summary>Adds an input of floats.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Each side as a number, or as the name of one that is left open.</param>
    public string Input(string name, params IEnumerable<string> shape)
    {
        _inputs.Add(OnnxMessages.Value(name, shape));
        return name;
    }

    /// <summary>Makes a value an output under a name of its own.</summary>
    public void Output(string name, string value, params IEnumerable<string> shape)
    {
        _nodes.Add(OnnxMessages.Node("Identity", name, [value], name, []));
        _outputs.Add(OnnxMessages.Value(name, shape));
    }

    /// <summary>Adds an operator.</summary>
    /// <param name="op">Its name in ONNX.</param>
    /// <param name="inputs">The values that it takes; an empty text for one that is left out.</param>
    /// <param name="attributes">Its settings: long, float, string or long[].</param>
    /// <returns>The value that it gives.</returns>
    public string Add(string op, IReadOnlyList<string> inputs, params IReadOnlyList<(string Name, object Value)> attributes)
    {
        int number = _counts[op] = _counts.GetValueOrDefault(op) + 1;
        string name = $"{op}_{number}";
        _nodes.Add(OnnxMessages.Node(op, name, inputs, name, attributes));
        return name;
    }

    /// <summary>A weight of the network.</summary>
    public string Weight(Tensor weight)
    {
        string name = _names[weight.Handle];
        if (!_stored.Add(name))
            return name;
        using Tensor dense = weight.detach().contiguous();
        WeightBytes += dense.bytes.Length;
        _initializers.Add(OnnxMessages.Tensor(name, OnnxMessages.Float, weight.shape, dense.bytes));
        return name;
    }

    /// <summary>Whole numbers that never change.</summary>
    public string Constant(params long[] values) => Constant(OnnxMessages.Int64, [values.Length], MemoryMarshal.AsBytes<long>(values), $"int64:{string.Join(',', values)}");

    /// <summary>Numbers that never change.</summary>
    public string Constant(params float[] values) => Constant(OnnxMessages.Float, [values.Length], MemoryMarshal.AsBytes<float>(values), FormattableString.Invariant($"float:{string.Join(',', values.Select(value => value.ToString("R", null)))}"));

    /// <summary>What a layer makes of a value, and layers in turn.</summary>
    /// <exception cref="RunException">The layer has no counterpart in ONNX.</exception>
    public string Layer(nn.Module layer, string input) => layer switch
    {
        IOnnxLayer own => own.Describe(this, input),
        Sequential sequence => sequence.children().Aggregate(input, (value, child) => Layer(child, value)),
        Convolution convolution => Convolve(convolution, input),
        BatchNorm2d norm => Add(
            "BatchNormalization", [input, Weight(norm.weight!), Weight(norm.bias!), Weight(norm.running_mean!), Weight(norm.running_var!)], ("epsilon", (float)norm.eps)),
        PReLU { num_parameters: 1 } rectifier => Add("PRelu", [input, Weight(rectifier.weight!)]),
        // One slope for each channel, which ONNX would else take along the last dimension.
        PReLU rectifier => Add("PRelu", [input, Add("Reshape", [Weight(rectifier.weight!), Constant(-1L, 1, 1)])]),
        PixelShuffle shuffle => PixelShuffle(input, shuffle.upscale_factor),
        _ => throw new RunException(
            ExitCode.Configuration, "OnnxLayerUnknown", $"The network has a layer {layer.GetName()}, which has no counterpart in ONNX; --format safetensors takes its weights."),
    };

    /// <summary>Normalises each image by its own statistics.</summary>
    public string InstanceNormalization(BatchNorm2d norm, string input) =>
        Add("InstanceNormalization", [input, Weight(norm.weight!), Weight(norm.bias!)], ("epsilon", (float)norm.eps));

    /// <summary>Channels to squares of pixels, as <c>torch.nn.PixelShuffle</c> lays them.</summary>
    public string PixelShuffle(string input, long scale) => Add("DepthToSpace", [input], ("blocksize", scale), ("mode", "CRD"));

    /// <summary>Squares of pixels to channels, as <c>torch.nn.PixelUnshuffle</c> lays them: a pixel's channels stay apart, where SpaceToDepth would mix them.</summary>
    public string PixelUnshuffle(string input, int scale)
    {
        string batch = Side(input, 0);
        string channels = Side(input, 1);
        string height = Add("Div", [Side(input, 2), Constant((long)scale)]);
        string width = Add("Div", [Side(input, 3), Constant((long)scale)]);
        string squares = Add("Reshape", [input, Add("Concat", [batch, channels, height, Constant((long)scale), width, Constant((long)scale)], ("axis", 0L))]);
        string turned = Add("Transpose", [squares], ("perm", (long[])[0, 1, 3, 5, 2, 4]));
        return Add("Reshape", [turned, Add("Concat", [batch, Add("Mul", [channels, Constant((long)scale * scale)]), height, width], ("axis", 0L))]);
    }

    /// <summary>The side of a value along a dimension, as a list of one whole number.</summary>
    public string Side(string value, int dimension) => Add("Slice", [Add("Shape", [value]), Constant(dimension), Constant(dimension + 1), Constant(0L)]);

    /// <summary>The file.</summary>
    /// <param name="name">The network's name.</param>
    /// <param name="opset">The version of the operator set.</param>
    /// <param name="metadata">Free pairs of texts.</param>
    public byte[] ToBytes(string name, int opset, IReadOnlyDictionary<string, string> metadata) =>
        OnnxMessages.Model(OnnxMessages.Graph(name, _nodes, _initializers, _inputs, _outputs), opset, metadata);

    private string Convolve(Convolution convolution, string input)
    {
        List<string> inputs = [input, Weight(convolution.weight!)];
        if (convolution.bias is not null)
            inputs.Add(Weight(convolution.bias));
        List<(string, object)> attributes =
        [
            ("dilations", convolution.dilation),
            ("group", convolution.groups),
            ("kernel_shape", convolution.kernel_size),
            ("pads", (long[])[.. convolution.padding!, .. convolution.padding!]),
            ("strides", convolution.stride),
        ];
        if (convolution.transposed)
            attributes.Add(("output_padding", convolution.output_padding));
        return Add(convolution.transposed ? "ConvTranspose" : "Conv", inputs, attributes);
    }

    private string Constant(int type, long[] shape, ReadOnlySpan<byte> bytes, string name)
    {
        if (_stored.Add(name))
            _initializers.Add(OnnxMessages.Tensor(name, type, shape, bytes));
        return name;
    }
}

/// <summary>A layer of ours that says what it is in ONNX's operators.</summary>
internal interface IOnnxLayer
{
    /// <summary>Adds its operators.</summary>
    /// <returns>The value that it gives for <paramref name="input"/>.</returns>
    string Describe(OnnxGraph graph, string input);
}
