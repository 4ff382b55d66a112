using System.Text.Json;
using RobustTrain.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Seeded draws and initial values beside Python's, and the state of generators.</summary>
[Collection(WholeProcessCollection.Name)]
public sealed class RandomTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("random");

    private static readonly Dictionary<string, Func<Tensor>> s_draws = new()
    {
        ["rand"] = () => rand(2, 5), ["randn"] = () => randn(20), ["randn few"] = () => randn(3), ["randint"] = () => randint(3, 50, [7L]), ["randperm"] = () => randperm(9),
        ["bernoulli"] = () => full(3, 4, 0.3).bernoulli(), ["normal_"] = () => empty(17).normal_(1, 2), ["uniform_"] = () => empty(5).uniform_(-1, 3), ["multinomial"] = () => multinomial(tensor(new[] { 0.1f, 0.2f, 0.7f }), 5, true),
        ["dropout"] = () => nn.functional.dropout(ones(4, 5), 0.4), ["dropout2d"] = () => nn.functional.dropout2d(ones(2, 5, 2, 2), 0.4),
        ["generator rand"] = () => rand(4, generator: new Generator(99)), ["generator randperm"] = () => randperm(6, generator: new Generator().manual_seed(99)),
        ["conv2d weight"] = () => nn.Conv2d(2, 3, 3).weight, ["conv2d bias"] = () => nn.Conv2d(2, 3, 3).bias!, ["conv_transpose2d weight"] = () => nn.ConvTranspose2d(2, 3, 2).weight,
        ["linear weight"] = () => nn.Linear(4, 2).weight, ["linear bias"] = () => nn.Linear(4, 2).bias!,
        ["kaiming_uniform_"] = () => nn.init.kaiming_uniform_(empty(3, 2, 2, 2), 0.5), ["kaiming_normal_"] = () => nn.init.kaiming_normal_(empty(3, 2, 3, 3), mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU),
        ["xavier_uniform_"] = () => nn.init.xavier_uniform_(empty(3, 5), 2), ["xavier_normal_"] = () => nn.init.xavier_normal_(empty(3, 5, 2)),
    };

    public static TheoryData<string> Cases => [.. Fixture.Names("random")];

    [LibTorchTheory]
    [MemberData(nameof(Cases))]
    public void A_seed_gives_the_numbers_that_it_gives_in_Python(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        _ = manual_seed(1234);
        Fixture.Same(s_fixture.GetProperty(name), s_draws[name](), name);
    }

    [LibTorchFact]
    public void A_generators_state_taken_and_set_again_repeats_its_numbers()
    {
        using DisposeScope scope = NewDisposeScope();
        _ = manual_seed(5);
        _ = randn(7);
        Tensor state = get_rng_state();
        Tensor first = randn(30);
        set_rng_state(state);
        Assert.True(randn(30).Equals(first));
        Assert.Equal(5, initial_seed());

        RandomState.Set(CPU, state);
        Assert.True(randn(30).Equals(first));
        Assert.True(RandomState.Get(CPU).Equals(get_rng_state()));
    }

    [LibTorchFact]
    public void A_generator_of_ones_own_leaves_the_default_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        _ = manual_seed(5);
        Tensor expected = rand(3);
        _ = manual_seed(5);
        using var own = new Generator(5);
        Assert.True(rand(3, generator: own).Equals(expected));
        Assert.True(rand(3).Equals(expected));
    }

    [LibTorchFact]
    public void A_state_that_is_none_is_refused()
    {
        using Tensor wrong = zeros(3, ScalarType.Byte);
        Assert.Throws<TorchException>(() => set_rng_state(wrong));
    }
}
