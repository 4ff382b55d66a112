using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Optimisers over several steps with two groups, schedules and clipping, beside Python's.</summary>
public sealed class OptimizerTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("optimizers");
    private static readonly JsonElement s_schedules = Fixture.Read("schedules");

    private static readonly Dictionary<string, Func<Parameter[], OptimizerHelper>> s_optimizers = new()
    {
        ["sgd"] = p => Sgd(p),
        ["sgd momentum"] = p => Sgd(p, momentum: 0.9),
        ["sgd dampening"] = p => Sgd(p, momentum: 0.8, dampening: 0.3, decay: 0.01),
        ["sgd nesterov"] = p => Sgd(p, momentum: 0.9, decay: 0.1, nesterov: true),
        ["sgd maximize"] = p => Sgd(p, momentum: 0.5, decay: 0.1, maximize: true),
        ["adam"] = p => AdamOf(p),
        ["adam decay"] = p => AdamOf(p, 0.8, 0.95, 1e-6, 0.1),
        ["adam amsgrad"] = p => AdamOf(p, amsgrad: true),
        ["adam maximize"] = p => AdamOf(p, maximize: true),
        ["adamw"] = p => AdamWOf(p),
        ["adamw decay"] = p => AdamWOf(p, 0.1),
        ["adamw amsgrad"] = p => AdamWOf(p, 0.01, amsgrad: true),
    };

    public static TheoryData<string> Cases => [.. s_optimizers.Keys];

    public static TheoryData<string> Schedules => [.. Fixture.Names("schedules")];

    [LibTorchTheory]
    [MemberData(nameof(Cases))]
    public void An_optimiser_moves_its_parameters_as_Pythons_does(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        using OptimizerHelper optimizer = s_optimizers[name](parameters);
        for (int step = 0; step < 6; step++) StepAndCompare(name, optimizer, parameters, step);
    }

    [LibTorchTheory]
    [MemberData(nameof(Cases))]
    public void A_saved_and_loaded_optimiser_goes_on_as_if_nothing_had_happened(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        using OptimizerHelper first = s_optimizers[name](parameters);
        for (int step = 0; step < 3; step++) StepAndCompare(name, first, parameters, step);
        first.ParamGroups.First().LearningRate *= 2;
        using var file = new MemoryStream();
        using (var writer = new BinaryWriter(file, System.Text.Encoding.UTF8, leaveOpen: true)) first.save_state_dict(writer);
        first.ParamGroups.First().LearningRate /= 2;

        file.Position = 0;
        using OptimizerHelper second = s_optimizers[name](parameters);
        using (var reader = new BinaryReader(file)) second.load_state_dict(reader);
        Assert.Equal(first.ParamGroups.First().LearningRate * 2, second.ParamGroups.First().LearningRate);
        second.ParamGroups.First().LearningRate /= 2;
        for (int step = 3; step < 5; step++) StepAndCompare(name, second, parameters, step);

        using OptimizerHelper third = s_optimizers[name](parameters);
        third.load_state_dict(second.state_dict());
        Assert.All(third.state_dict().State.Zip(second.state_dict().State), pair => Assert.True(pair.First.ApproximatelyEquals(pair.Second)));
        StepAndCompare(name, third, parameters, 5);
    }

    [LibTorchFact]
    public void A_parameter_without_a_gradient_stays_as_it_is()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        using OptimizerHelper optimizer = AdamWOf(parameters, 0.1);
        parameters[0].grad = ones_like(parameters[0]);
        _ = optimizer.step();
        Fixture.Same(s_fixture.GetProperty("start")[1], parameters[1], "a parameter without gradient");
        Assert.False(parameters[0].allclose(s_fixture.GetProperty("start")[0].Tensor()));
    }

    [LibTorchFact]
    public void A_closure_computes_the_loss_with_gradients_and_its_result_is_returned()
    {
        using DisposeScope scope = NewDisposeScope();
        var parameter = new Parameter(ones(2));
        using SGD optimizer = SGD([parameter], 0.5);
        Tensor? loss = optimizer.step(() =>
        {
            Tensor value = parameter.square().sum();
            value.backward();
            return value;
        });
        Assert.Equal(2, loss!.item<float>());
        Assert.Equal([0f, 0f], parameter.data<float>().ToArray());
    }

    [LibTorchFact]
    public void Zeroing_fills_the_gradients_and_leaves_absent_ones_absent()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        parameters[1].grad = ones_like(parameters[1]);
        using OptimizerHelper optimizer = Sgd(parameters);
        optimizer.zero_grad();
        Assert.Equal(0, parameters[1].grad!.sum().item<float>());
        Assert.Null(parameters[0].grad);
    }

    [LibTorchFact]
    public void The_state_of_another_optimiser_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        using OptimizerHelper adam = AdamOf(parameters), sgd = Sgd(parameters);
        using SGD fewer = SGD(parameters[..1], 0.1);
        using var file = new MemoryStream();
        sgd.save_state_dict(new BinaryWriter(file));
        file.Position = 0;
        Assert.Contains("expected 'Adam', but found 'SGD'", Assert.Throws<InvalidDataException>(() => adam.load_state_dict(new BinaryReader(file))).Message, StringComparison.Ordinal);
        file.Position = 0;
        Assert.Contains("different number of parameter groups: 2, expected 1", Assert.Throws<ArgumentException>(() => fewer.load_state_dict(new BinaryReader(file))).Message, StringComparison.Ordinal);
        Assert.Contains("more than one parameter group", Assert.Throws<ArgumentException>(() => sgd.add_param_group(new SGD.ParamGroup(parameters))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SGD(parameters, -1));
        Assert.Throws<ArgumentException>(() => Adam(parameters, beta1: 1));
    }

    [LibTorchTheory]
    [MemberData(nameof(Schedules))]
    public void A_schedule_sets_the_rates_that_Pythons_sets(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using SGD optimizer = SGD([new SGD.ParamGroup { Parameters = [new Parameter(zeros(1))] }, new SGD.ParamGroup([new Parameter(zeros(1))], lr: 0.02)], 0.1);
        lr_scheduler.LRScheduler schedule = name switch
        {
            "step" => lr_scheduler.StepLR(optimizer, 3, 0.5),
            "multi_step" => lr_scheduler.MultiStepLR(optimizer, [2, 5, 5], 0.1),
            "exponential" => lr_scheduler.ExponentialLR(optimizer, 0.8),
            "constant" => lr_scheduler.ConstantLR(optimizer, 0.25, 4),
            "linear" => lr_scheduler.LinearLR(optimizer, 0.1, 0.9, 6),
            "polynomial" => lr_scheduler.PolynomialLR(optimizer, 8, 0.9),
            "cosine" => lr_scheduler.CosineAnnealingLR(optimizer, 5, 0.001),
            "lambda" => lr_scheduler.LambdaLR(optimizer, epoch => Math.Pow(0.9, epoch) + 0.1),
            _ => lr_scheduler.SequentialLR(optimizer, [lr_scheduler.LinearLR(optimizer, 0.1, 1.0, 4), lr_scheduler.CosineAnnealingLR(optimizer, 8)], [4]),
        };
        foreach (JsonElement expected in s_schedules.GetProperty(name).EnumerateArray())
        {
            double[] rates = [.. optimizer.ParamGroups.Select(group => group.LearningRate)];
            Assert.Equal(expected[0].GetDouble(), rates[0], 1e-12);
            Assert.Equal(expected[1].GetDouble(), rates[1], 1e-12);
            schedule.step();
        }
    }

    [LibTorchTheory]
    [InlineData("1.0", 1.0)]
    [InlineData("2.0", 2.0)]
    [InlineData("inf", double.PositiveInfinity)]
    public void Clipping_by_norm_scales_all_gradients_alike(string name, double norm)
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        SetGrads(parameters, 0);
        JsonElement expected = s_fixture.GetProperty("clip").GetProperty(name);
        double total = nn.utils.clip_grad_norm_(parameters, 1.5, norm);
        Assert.Equal(expected.GetProperty("norm").GetDouble(), total, 1e-4);
        for (int i = 0; i < parameters.Length; i++) Fixture.Same(expected.GetProperty("grads")[i], parameters[i].grad!, $"gradient {i}");
    }

    [LibTorchFact]
    public void Clipping_by_value_and_gradients_below_the_limit()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = Start();
        Assert.Equal(0, nn.utils.clip_grad_norm_(parameters, 1));
        SetGrads(parameters, 0);
        nn.utils.clip_grad_value_(parameters, 0.5);
        for (int i = 0; i < parameters.Length; i++) Fixture.Same(s_fixture.GetProperty("clip").GetProperty("value").GetProperty("grads")[i], parameters[i].grad!, $"gradient {i}");
        using Tensor before = parameters[0].grad!.clone();
        _ = nn.utils.clip_grad_norm_(parameters, 1000);
        Assert.True(parameters[0].grad!.Equals(before));
    }

    private static Parameter[] Start() => [.. s_fixture.GetProperty("start").EnumerateArray().Select(value => new Parameter(value.Tensor()))];

    private static void SetGrads(Parameter[] parameters, int step)
    {
        for (int i = 0; i < parameters.Length; i++) parameters[i].grad = s_fixture.GetProperty("grads")[step][i].Tensor();
    }

    private static void StepAndCompare(string name, OptimizerHelper optimizer, Parameter[] parameters, int step)
    {
        SetGrads(parameters, step);
        Assert.Null(optimizer.step());
        for (int i = 0; i < parameters.Length; i++) Fixture.Same(s_fixture.GetProperty(name)[step][i], parameters[i], $"parameter {i} after step {step + 1}");
    }

    private static OptimizerHelper Sgd(Parameter[] p, double momentum = 0, double dampening = 0, double decay = 0, bool nesterov = false, bool maximize = false) =>
        SGD([new SGD.ParamGroup { Parameters = p[..2] }, new SGD.ParamGroup { Parameters = p[2..], Options = new SGD.Options { LearningRate = 0.05, weight_decay = 0.02 } }], 0.1, momentum, dampening, decay, nesterov, maximize);

    private static OptimizerHelper AdamOf(Parameter[] p, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double decay = 0, bool amsgrad = false, bool maximize = false) =>
        Adam([new Adam.ParamGroup { Parameters = p[..2] }, new Adam.ParamGroup { Parameters = p[2..], Options = new Adam.Options { LearningRate = 0.05, weight_decay = 0.02 } }], 0.01, beta1, beta2, eps, decay, amsgrad, maximize);

    private static OptimizerHelper AdamWOf(Parameter[] p, double decay = 0, bool amsgrad = false) =>
        AdamW([new AdamW.ParamGroup { Parameters = p[..2] }, new AdamW.ParamGroup { Parameters = p[2..], Options = new AdamW.Options { LearningRate = 0.05, weight_decay = 0.02 } }], 0.01, weight_decay: decay, amsgrad: amsgrad);
}
