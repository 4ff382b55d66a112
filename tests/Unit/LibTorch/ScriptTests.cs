using System.Text.Json;
using RobustTrain.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

/// <summary>A module that Python wrote as TorchScript.</summary>
public sealed class ScriptTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("scripted");

    [LibTorchFact]
    public void A_scripted_module_computes_what_it_does_in_Python()
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = jit.load<Tensor, Tensor>(Fixture.PathOf("scripted.pt"));
        Tensor input = s_fixture.GetProperty("input").Tensor();
        Assert.True(model.training);
        Assert.Equal(1, model.GetNumberOfInputs());
        JsonElement state = s_fixture.GetProperty("state");
        Assert.Equal(state.EnumerateObject().Select(property => property.Name).Order(), model.state_dict().Keys.Order());
        Fixture.Same(state.GetProperty("body.1.running_mean"), model.get_buffer("body.1.running_mean")!, "running_mean");

        Fixture.Same(s_fixture.GetProperty("training"), model.call(input), "in training");
        using var evaluated = jit.load<Tensor, Tensor>(Fixture.PathOf("scripted.pt"));
        evaluated.eval();
        Assert.False(evaluated.training);
        Fixture.Same(s_fixture.GetProperty("eval"), evaluated.call(input), "evaluated");
    }

    [LibTorchFact]
    public void Its_methods_take_and_give_tensors_numbers_lists_and_tuples()
    {
        using DisposeScope scope = NewDisposeScope();
        using jit.ScriptModule model = jit.load(Fixture.PathOf("scripted.pt"));
        Tensor input = s_fixture.GetProperty("input").Tensor();
        model.eval();
        (Tensor output, Tensor scaled) = model.invoke<(Tensor, Tensor)>("both", input, 2.0);
        Fixture.Same(s_fixture.GetProperty("eval"), output, "first of the tuple");
        Assert.True(scaled.Equals(input * 2));
        Tensor[] parts = model.invoke<Tensor[]>("parts", input, 3);
        Assert.Equal(3, parts.Length);
        Assert.True(parts[2].Equals(input + 2));
        Assert.Equal(64, Convert.ToInt64(((Scalar)model.invoke("size", input)).Real));
        Assert.Contains("DateTime", Assert.Throws<NotImplementedException>(() => model.invoke("size", DateTime.UnixEpoch)).Message, StringComparison.Ordinal);
    }

    [LibTorchFact]
    public void Its_parameters_train_and_it_can_be_saved()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.pt");
        Tensor input = s_fixture.GetProperty("input").Tensor();
        using var model = jit.load<Tensor, Tensor>(Fixture.PathOf("scripted.pt"));
        using var optimizer = optim.SGD(model.parameters(), 0.1);
        model.call(input).sum().backward();
        _ = optimizer.step();
        model.eval();
        Tensor changed = model.call(input);
        Assert.False(changed.allclose(s_fixture.GetProperty("eval").Tensor()));
        try
        {
            jit.save(model, path);
            using var again = jit.load<Tensor, Tensor>(path);
            again.eval();
            Assert.True(again.call(input).Equals(changed));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [LibTorchFact]
    public void A_file_that_is_missing_or_damaged_is_an_error_that_names_it()
    {
        Assert.Contains("nowhere.pt", Assert.Throws<FileNotFoundException>(() => jit.load("nowhere.pt")).Message, StringComparison.Ordinal);
        string damaged = Fixture.PathOf("damaged.pt");
        Assert.Contains(damaged, Assert.Throws<TorchException>(() => jit.load(damaged)).Message, StringComparison.Ordinal);
        string text = Fixture.PathOf("scripted.json");
        Assert.Contains(text, Assert.Throws<TorchException>(() => jit.load(text)).Message, StringComparison.Ordinal);
    }

    [LibTorchFact]
    public void A_wrong_input_or_method_is_an_error_that_names_the_call()
    {
        using DisposeScope scope = NewDisposeScope();
        using jit.ScriptModule model = jit.load(Fixture.PathOf("scripted.pt"));
        Assert.Contains("forward(float32[1,9,4,4])", Assert.Throws<TorchException>(() => model.forward(zeros(1, 9, 4, 4))).Message, StringComparison.Ordinal);
        Assert.Contains("no such method", Assert.Throws<TorchException>(() => model.invoke("missing")).Message, StringComparison.Ordinal);
    }
}
