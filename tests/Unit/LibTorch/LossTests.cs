using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.nn.functional;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Losses and other functions, with their gradients, beside Python's.</summary>
public sealed class LossTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("losses");

    private static readonly Dictionary<string, Func<Tensor, Dictionary<string, Tensor>, Tensor>> s_calls = new()
    {
        ["cross_entropy"] = (x, t) => cross_entropy(x, t["classes"]),
        ["cross_entropy weight ignore"] = (x, t) => CrossEntropyLoss(t["class_weights"], 255).call(x, t["ignored"]),
        ["cross_entropy none"] = (x, t) => cross_entropy(x, t["ignored"], t["class_weights"], 255, Reduction.None),
        ["cross_entropy sum"] = (x, t) => cross_entropy(x, t["classes"], reduction: Reduction.Sum),
        ["cross_entropy smoothing"] = (x, t) => cross_entropy(x, t["ignored"], t["class_weights"], 255, label_smoothing: 0.2),
        ["cross_entropy soft"] = (x, t) => cross_entropy(x, t["soft"], t["class_weights"]),
        ["nll_loss"] = (x, t) => NLLLoss(t["class_weights"]).call(x.log_softmax(1), t["classes"]),
        ["binary_cross_entropy"] = (x, t) => BCELoss(t["binary_weights"]).call(x, t["binary"]),
        ["binary_cross_entropy_with_logits"] = (x, t) => BCEWithLogitsLoss(t["binary_weights"], pos_weights: t["class_weights"]).call(x, t["binary"]),
        ["mse_loss"] = (x, t) => MSELoss().call(x, t["targets"]),
        ["mse_loss sum"] = (x, t) => MSELoss(Reduction.Sum).call(x, t["targets"]),
        ["l1_loss"] = (x, t) => L1Loss().call(x, t["targets"]),
        ["smooth_l1_loss"] = (x, t) => SmoothL1Loss(beta: 0.5).call(x, t["targets"]),
        ["huber_loss"] = (x, t) => huber_loss(x, t["targets"], 0.7),
        ["kl_div"] = (x, t) => kl_div(log_softmax(x, 1), t["soft"].log().log_softmax(1), reduction: Reduction.Sum),
        ["normalize"] = (x, _) => normalize(x),
        ["interpolate nearest_exact"] = (x, _) => interpolate(x, [5, 3], mode: InterpolationMode.NearestExact),
        ["interpolate area"] = (x, _) => interpolate(x, [2, 1], mode: InterpolationMode.Area),
        ["interpolate antialias"] = (x, _) => interpolate(x, [2, 2], mode: InterpolationMode.Bilinear, antialias: true),
        ["pad constant"] = (x, _) => pad(x, (1, 2), value: 1.5),
        ["instance_norm"] = (x, _) => instance_norm(x),
        ["group_norm"] = (x, t) => group_norm(x, 2, t["class_weights"], t["class_weights"]),
        ["layer_norm"] = (x, t) => layer_norm(x, [4], t["class_weights"]),
    };

    public static TheoryData<string> Cases => [.. Fixture.Names("losses", "inputs")];

    [LibTorchTheory]
    [MemberData(nameof(Cases))]
    public void A_function_and_its_gradient_are_what_Pythons_are(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        JsonElement expected = s_fixture.GetProperty(name);
        Tensor input = expected.GetProperty("input").Tensor().requires_grad_();

        Tensor output = s_calls[name](input, s_fixture.GetProperty("inputs").Tensors());

        Fixture.Same(expected.GetProperty("output"), output, "output");
        output.sum().backward();
        Fixture.Same(expected.GetProperty("grad"), input.grad!, "gradient");
    }

    [LibTorchFact]
    public void Interpolation_says_what_it_cannot_do()
    {
        using Tensor image = zeros(1, 2, 4, 4);
        Assert.Contains("either size or scale_factor", Assert.Throws<ArgumentException>(() => interpolate(image)).Message, StringComparison.Ordinal);
        Assert.Contains("3 elements, but the input has 2 spatial", Assert.Throws<ArgumentException>(() => interpolate(image, [2, 2, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("align_corners has no meaning", Assert.Throws<ArgumentException>(() => interpolate(image, [2, 2], align_corners: true)).Message, StringComparison.Ordinal);
        Assert.Contains("Trilinear interpolation is not defined for an input of 4", Assert.Throws<ArgumentException>(() => interpolate(image, [2, 2], mode: InterpolationMode.Trilinear)).Message, StringComparison.Ordinal);
    }
}
