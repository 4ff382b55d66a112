using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Tests.LibTorch;

/// <summary>The same network, weights, batches and optimiser as in Python: twenty losses.</summary>
public sealed class TrainingStepTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("training");

    [LibTorchTheory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    public void Twenty_losses_are_those_of_Pythons_torch_within_1e_5(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var model = new Siamese();
        _ = model.load_state_dict(s_fixture.GetProperty("start").Tensors());
        using OptimizerHelper optimizer = name switch
        {
            "sgd" => optim.SGD(model.parameters(), 0.05, momentum: 0.9, weight_decay: 1e-4),
            "adam" => optim.Adam(model.parameters(), 0.01, weight_decay: 1e-4),
            _ => optim.AdamW(model.parameters(), 0.01, weight_decay: 0.01),
        };
        optim.lr_scheduler.LRScheduler schedule = optim.lr_scheduler.PolynomialLR(optimizer, 20, 0.9);
        Tensor weight = tensor(new[] { 0.3f, 1.7f });
        Tensor[][] batches = [.. s_fixture.GetProperty("batches").EnumerateArray().Select(batch => batch.EnumerateArray().Select(value => value.Tensor()).ToArray())];
        JsonElement expected = s_fixture.GetProperty(name);
        for (int step = 0; step < 20; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor[] batch = batches[step % 4];
            optimizer.zero_grad();
            Tensor loss = functional.cross_entropy(model.call(batch[0], batch[1]), batch[2], weight);
            loss.backward();
            _ = utils.clip_grad_norm_(model.parameters(), 1.0);
            _ = optimizer.step();
            schedule.step();
            double wanted = expected[step].GetDouble();
            Assert.InRange(Math.Abs(loss.item<float>() - wanted) / wanted, 0, 1e-5);
        }
    }

    private sealed class Siamese : Module<Tensor, Tensor, Tensor>
    {
        private readonly Sequential encoder = Sequential(Conv2d(3, 6, 3, padding: 1), BatchNorm2d(6), ReLU(), MaxPool2d(2), Conv2d(6, 8, 3, padding: 1), BatchNorm2d(8), ReLU());
        private readonly ConvTranspose2d up = ConvTranspose2d(8, 4, 2, stride: 2);
        private readonly Conv2d head = Conv2d(4, 2, 1);

        internal Siamese() : base("siamese") => RegisterComponents();

        public override Tensor forward(Tensor input1, Tensor input2)
        {
            using DisposeScope scope = NewDisposeScope();
            return head.call(functional.relu(up.call((encoder.call(input1) - encoder.call(input2)).abs()))).MoveToOuterDisposeScope();
        }
    }
}
