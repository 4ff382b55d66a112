using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Each layer's output, gradients and buffers beside Python's.</summary>
public sealed class LayerTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("layers");

    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> s_layers = new()
    {
        ["conv2d"] = () => Conv2d(3, 4, 3, padding: 1),
        ["conv2d stride dilation groups"] = () => Conv2d(4, 4, (3, 2), stride: (2, 1), padding: (1, 2), dilation: (1, 2), groups: 2, bias: false),
        ["conv2d same"] = () => Conv2d(2, 3, (3, 4), Padding.Same, dilation: (2, 1)),
        ["conv2d valid"] = () => Conv2d(2, 3, 3, Padding.Valid),
        ["conv2d reflect"] = () => Conv2d(2, 3, (3, 3), padding: (2, 1), padding_mode: PaddingModes.Reflect),
        ["conv2d replicate"] = () => Conv2d(2, 3, 3, padding: 1, padding_mode: PaddingModes.Replicate),
        ["conv2d circular"] = () => Conv2d(2, 3, (3, 3), padding: (2, 1), padding_mode: PaddingModes.Circular),
        ["conv2d reflect same"] = () => Conv2d(2, 3, (4, 3), Padding.Same, padding_mode: PaddingModes.Reflect),
        ["conv_transpose2d"] = () => ConvTranspose2d(3, 2, 2, stride: 2),
        ["conv_transpose2d output_padding"] = () => ConvTranspose2d(4, 4, (3, 3), stride: (2, 3), padding: (1, 1), output_padding: (1, 2), groups: 2),
        ["batch_norm1d"] = () => BatchNorm1d(3),
        ["batch_norm2d"] = () => BatchNorm2d(3),
        ["batch_norm2d momentum"] = () => BatchNorm2d(3, eps: 1e-3, momentum: 0.3),
        ["batch_norm2d eval"] = () => BatchNorm2d(3),
        ["batch_norm2d plain"] = () => BatchNorm2d(3, affine: false, track_running_stats: false),
        ["linear"] = () => Linear(5, 3),
        ["linear no bias"] = () => Linear(5, 3, hasBias: false),
        ["relu"] = () => ReLU(),
        ["relu6"] = () => ReLU6(),
        ["leaky_relu"] = () => LeakyReLU(0.2),
        ["prelu"] = () => PReLU(1),
        ["prelu channels"] = () => PReLU(3, 0.1),
        ["silu"] = () => SiLU(),
        ["gelu"] = () => GELU(),
        ["gelu tanh"] = () => GELU(TorchSharp.Modules.GELU.Approximate.tanh),
        ["sigmoid"] = () => Sigmoid(),
        ["tanh"] = () => Tanh(),
        ["softmax"] = () => Softmax(1),
        ["log_softmax"] = () => LogSoftmax(-1),
        ["max_pool2d"] = () => MaxPool2d(2),
        ["max_pool2d all"] = () => MaxPool2d((3, 2), stride: (2, 1), padding: (1, 1), dilation: (1, 2), ceil_mode: true),
        ["avg_pool2d"] = () => AvgPool2d(2),
        ["avg_pool2d all"] = () => AvgPool2d((3, 2), stride: (2, 2), padding: (1, 1), ceil_mode: true, count_include_pad: false),
        ["avg_pool2d divisor"] = () => AvgPool2d(2, divisor_override: 3),
        ["adaptive_avg_pool2d"] = () => AdaptiveAvgPool2d((2, 3)),
        ["adaptive_max_pool2d"] = () => AdaptiveMaxPool2d([2, 3]),
        ["upsample nearest"] = () => Upsample(scale_factor: [2]),
        ["upsample bilinear"] = () => Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear),
        ["upsample bilinear corners"] = () => Upsample(size: [5, 7], mode: UpsampleMode.Bilinear, align_corners: true),
        ["upsample bicubic"] = () => Upsample(scale_factor: [1.5, 2], mode: UpsampleMode.Bicubic),
        ["upsample recompute"] = () => Upsample(scale_factor: [1.6, 1.6], mode: UpsampleMode.Bilinear, recompute_scale_factor: true),
        ["pixel_shuffle"] = () => PixelShuffle(2),
        ["pixel_unshuffle"] = () => PixelUnshuffle(2),
        ["reflection_pad2d"] = () => ReflectionPad2d((1, 2, 0, 1)),
        ["replication_pad2d"] = () => ReplicationPad2d(2),
        ["zero_pad2d"] = () => ZeroPad2d((1, 0, 2, 1)),
        ["constant_pad2d"] = () => ConstantPad2d(1, 3.5),
        ["flatten"] = () => Flatten(),
        ["identity"] = () => Identity(),
        ["dropout eval"] = () => Dropout(0.4),
        ["dropout2d eval"] = () => Dropout2d(0.4),
        ["sequential"] = () => Sequential(Conv2d(2, 3, 3), BatchNorm2d(3), ReLU(), MaxPool2d(2)),
    };

    public static TheoryData<string> Cases => [.. Fixture.Names("layers")];

    [LibTorchTheory]
    [MemberData(nameof(Cases))]
    public void A_layer_computes_what_Pythons_does_forward_and_backward(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        JsonElement expected = s_fixture.GetProperty(name);
        using Module<Tensor, Tensor> layer = s_layers[name]();
        (IList<string> missing, IList<string> unexpected) = layer.load_state_dict(expected.GetProperty("state").Tensors());
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        layer.train(expected.GetProperty("training").GetBoolean());
        Tensor input = expected.GetProperty("input").Tensor().requires_grad_();

        Tensor output = layer.call(input);

        Fixture.Same(expected.GetProperty("output"), output, "output");
        (output * expected.GetProperty("weights").Tensor()).sum().backward();
        Fixture.Same(expected.GetProperty("input_grad"), input.grad!, "input.grad");
        Dictionary<string, Tensor> grads = layer.named_parameters().ToDictionary(named => named.name, named => named.parameter.grad!);
        Compare(expected.GetProperty("grads"), grads, "gradient of ");
        Compare(expected.GetProperty("after"), layer.state_dict(), "afterwards ");
    }

    private static void Compare(JsonElement expected, Dictionary<string, Tensor> actual, string what)
    {
        Assert.Equal(expected.EnumerateObject().Select(property => property.Name).Order(), actual.Keys.Order());
        foreach (JsonProperty property in expected.EnumerateObject()) Fixture.Same(property.Value, actual[property.Name], what + property.Name);
    }
}
