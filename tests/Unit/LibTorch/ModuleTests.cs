using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Tests.LibTorch;

public sealed class ModuleTests
{
    [LibTorchFact]
    public void Fields_are_registered_by_their_names_in_their_order()
    {
        using var net = new Net();
        Assert.Equal(["scale", "stages.0.weight", "stages.0.bias", "stages.1.weight", "tail.weight", "named.weight"], net.named_parameters().Select(entry => entry.name));
        Assert.Equal(["offset"], net.named_buffers().Select(entry => entry.name));
        Assert.Equal(["scale", "stages.0.weight", "stages.0.bias", "stages.1.weight", "tail.weight", "named.weight", "offset"], net.state_dict().Keys);
        Assert.Equal(["stages", "tail", "named", "stages.0", "stages.1"], net.named_modules().Select(entry => entry.name));
        Assert.Same(net.Stages[1].weight, net.get_parameter("stages.1.weight"));
        Assert.True(net.has_buffer("offset") && !net.has_parameter("stages.2.weight"));
    }

    [LibTorchFact]
    public void A_parameter_shared_by_two_parts_is_counted_once_and_saved_under_both_names()
    {
        using var first = Linear(2, 2, hasBias: false);
        using var both = Sequential(("a", first), ("b", Linear(first.weight)));
        Assert.Single(both.parameters());
        Assert.Equal(["a.weight", "b.weight"], both.state_dict().Keys);
    }

    [LibTorchFact]
    public void Training_mode_goes_down_the_tree_and_apply_comes_up()
    {
        using var net = new Net();
        net.eval();
        Assert.All(net.modules(), module => Assert.False(module.training));
        net.train();
        Assert.All(net.modules(), module => Assert.True(module.training));
        var visited = new List<string>();
        _ = net.apply(module => visited.Add(module.GetName()));
        Assert.Equal(["Linear", "Linear", "ModuleList", "Linear", "Linear", "net"], visited);
    }

    [LibTorchFact]
    public void Converting_keeps_the_parameter_objects_their_gradients_and_counters()
    {
        using DisposeScope scope = NewDisposeScope();
        using var net = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2));
        net.call(randn(1, 1, 5, 5)).sum().backward();
        Parameter[] before = [.. net.parameters()];
        using var optimizer = optim.SGD(before, 0.1);

        _ = net.@double();

        Assert.Equal(before, net.parameters(), ReferenceEqualityComparer.Instance);
        Assert.All(before, parameter => Assert.True(parameter is { dtype: ScalarType.Float64, requires_grad: true, is_leaf: true }));
        Assert.All(before, parameter => Assert.Equal(ScalarType.Float64, parameter.grad!.dtype));
        Assert.Equal(ScalarType.Int64, net.get_buffer("1.num_batches_tracked")!.dtype);
        _ = optimizer.step();
        Assert.Equal(ScalarType.Float64, net.call(randn(1, 1, 5, 5, float64)).dtype);
        Assert.Throws<ArgumentException>(() => net.to(ScalarType.Int32));
    }

    [LibTorchFact]
    public void A_state_with_other_names_is_refused_and_named_or_loaded_in_part()
    {
        using DisposeScope scope = NewDisposeScope();
        using var net = new Net();
        Dictionary<string, Tensor> state = net.state_dict().ToDictionary(entry => entry.Key, entry => zeros_like(entry.Value));
        _ = state.Remove("tail.weight");
        state["extra"] = ones(1);
        string message = Assert.Throws<InvalidOperationException>(() => net.load_state_dict(state)).Message;
        Assert.Contains("missing tail.weight; unexpected extra", message, StringComparison.Ordinal);
        Assert.NotEqual(0, net.get_parameter("scale")!.item<float>());
        (IList<string> missing, IList<string> unexpected) = net.load_state_dict(state, strict: false);
        Assert.Equal(["tail.weight"], missing);
        Assert.Equal(["extra"], unexpected);
        Assert.Equal(0, net.get_parameter("scale")!.item<float>());
    }

    [LibTorchFact]
    public void A_buffer_that_does_not_persist_is_no_part_of_the_state()
    {
        using var net = new Net();
        net.register_buffer("cache", zeros(3), persistent: false);
        Assert.DoesNotContain("cache", net.state_dict().Keys);
        Assert.Contains("cache", net.named_buffers().Select(entry => entry.name));
        Assert.Throws<InvalidOperationException>(() => net.register_buffer("cache", zeros(3)));
        Assert.Throws<ArgumentException>(() => net.register_module("a.b", ReLU()));
        Assert.Throws<InvalidOperationException>(() => ReLU().register_module("part", Identity()));
    }

    [LibTorchFact]
    public void Hooks_see_and_change_what_goes_in_and_out()
    {
        using DisposeScope scope = NewDisposeScope();
        using var relu = ReLU();
        int calls = 0;
        var before = relu.register_forward_pre_hook((_, input) => input + 1);
        var after = relu.register_forward_hook((_, _, output) => output * 10);
        var counting = relu.register_forward_hook(_ => calls++);
        Assert.Equal(20, relu.call(tensor(1f)).item<float>());
        before.remove();
        after.remove();
        Assert.Equal(1, relu.call(tensor(1f)).item<float>());
        counting.remove();
        _ = relu.call(tensor(1f));
        Assert.Equal(2, calls);
    }

    [LibTorchFact]
    public void A_transposed_convolution_takes_the_size_that_is_asked_for()
    {
        using DisposeScope scope = NewDisposeScope();
        using var up = ConvTranspose2d(1, 1, 3, stride: 2, padding: 1);
        Assert.Equal([1L, 1, 8, 7], up.forward(zeros(1, 1, 4, 4), [8, 7]).shape);
        Assert.Contains("valid sizes range from 7 to 8", Assert.Throws<ArgumentException>(() => up.forward(zeros(1, 1, 4, 4), [9, 7])).Message, StringComparison.Ordinal);
        using var conv = Conv2d(3, 1, 3);
        Assert.Contains("3 channels to Conv2d, but got [1x1x4x4]", Assert.Throws<ArgumentException>(() => conv.call(zeros(1, 1, 4, 4))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Conv2d(3, 4, 3, groups: 2));
    }

    [LibTorchFact]
    public void A_sequence_is_indexed_sliced_and_extended()
    {
        using DisposeScope scope = NewDisposeScope();
        using var three = Sequential(ReLU(), Sigmoid(), Tanh());
        Assert.Equal(3, three.Count);
        Assert.IsType<Sigmoid>(three[1]);
        Assert.Equal(2, three[1..].Count);
        Assert.Equal(["0", "1", "2", "last"], three.append("last", Identity()).named_children().Select(child => child.name));
        Assert.True(Sequential().call(ones(2)).Equals(ones(2)));
    }

    private sealed class Net : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Linear> stages = ModuleList(Linear(2, 3), Linear(3, 2, hasBias: false));
        private readonly Linear tail = Linear(2, 1, hasBias: false);
        [ComponentName(Name = "named")] private readonly Linear other = Linear(1, 1, hasBias: false);
        private readonly Parameter scale = new(ones(1));
        private readonly Tensor offset = zeros(1);

        internal Net() : base("net") => RegisterComponents();

        internal ModuleList<Linear> Stages => stages;

        public override Tensor forward(Tensor input) => other.call(tail.call(input)) * scale + offset;
    }
}
