using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The networks against the same networks in PyTorch; fixtures/make_fixtures.py says how the values were made.</summary>
public sealed class ModelParityTests(ModelParityTests.TrainedModels trained) : IClassFixture<ModelParityTests.TrainedModels>
{
    private const int Steps = 20;
    private const int Batches = 4;

    [Theory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    [InlineData("hanet")]
    public void Twenty_losses_equal_those_of_PyTorch(string name)
    {
        using TensorFixture fixture = new(name);

        double[] losses = trained.Of(name).Losses;

        double[] expected = fixture.Doubles("losses");
        Assert.Equal(Steps, expected.Length);
        for (int step = 0; step < Steps; step++) Assert.Equal(expected[step], losses[step], expected[step] * 1e-5);
    }

    [Theory]
    [InlineData("fc-siam-diff", 37, 21)]
    [InlineData("fc-siam-conc", 37, 21)]
    [InlineData("hanet", 24, 40)]
    public void Logits_of_an_odd_size_equal_those_of_PyTorch(string name, int height, int width)
    {
        using TensorFixture fixture = new(name);
        using ChangeDetectionModel model = ModelOf(fixture, name);

        using Tensor logits = OddLogits(model, fixture);

        Assert.Equal([1, 2, height, width], logits.shape);
        AssertClose(fixture["odd.initial_logits"], logits, 1e-5);
    }

    // Not with AdamW: a bias before a batch normalisation has a gradient of rounding errors only, and Adam divides it by its own size,
    // so such biases, and with them the running means, differ from machine to machine, while no training loss depends on them.
    [Theory]
    [InlineData("fc-siam-conc")]
    [InlineData("hanet")]
    public void Logits_after_training_by_the_running_statistics_equal_those_of_PyTorch(string name)
    {
        using TensorFixture fixture = new(name);

        using Tensor logits = OddLogits(trained.Of(name).Model, fixture);

        AssertClose(fixture["odd.trained_logits"], logits, 1e-4);
    }

    [Theory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    [InlineData("hanet")]
    public void Parameters_and_buffers_carry_the_names_of_the_reference(string name)
    {
        using TensorFixture fixture = new(name);
        using ChangeDetectionModel model = Create(name);

        IEnumerable<string> names = model.state_dict().Keys.Where(key => !key.EndsWith("num_batches_tracked", StringComparison.Ordinal));

        Assert.Equal(InitialNames(fixture).Order(), names.Order());
    }

    private static double[] Train(ChangeDetectionModel model, string name, TensorFixture fixture)
    {
        using optim.Optimizer optimizer = name == "fc-siam-diff"
            ? optim.AdamW(model.parameters(), lr: 2e-4, weight_decay: 1e-4)
            : optim.SGD(model.parameters(), name == "hanet" ? 1e-3 : 2e-3, momentum: 0.9, weight_decay: 1e-4);
        CriterionConfig crossEntropy = new() { Name = "cross-entropy" };
        using var criterion = CriterionCatalog.Create(crossEntropy, CPU);

        model.train();
        double[] losses = new double[Steps];
        for (int step = 0; step < Steps; step++)
        {
            using IDisposable scope = NewDisposeScope();
            string batch = $"batch{step % Batches}";
            optimizer.zero_grad();
            Tensor logits = model.call(fixture[$"{batch}.image1"], fixture[$"{batch}.image2"]);
            Tensor loss = criterion.Compute(logits, fixture[$"{batch}.label"]);
            loss.backward();
            optimizer.step();
            losses[step] = loss.item<float>();
        }

        return losses;
    }

    private static Tensor OddLogits(ChangeDetectionModel model, TensorFixture fixture)
    {
        model.eval();
        using IDisposable noGrad = no_grad();
        return model.call(fixture["odd.image1"], fixture["odd.image2"]);
    }

    private static ChangeDetectionModel Create(string name) =>
        ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 4, Dropout = 0 }, seed: 1);

    private static ChangeDetectionModel ModelOf(TensorFixture fixture, string name)
    {
        ChangeDetectionModel model = Create(name);
        using IDisposable noGrad = no_grad();
        Dictionary<string, Tensor> state = model.state_dict();
        foreach (string parameter in InitialNames(fixture)) state[parameter].copy_(fixture["initial." + parameter]);
        return model;
    }

    private static IEnumerable<string> InitialNames(TensorFixture fixture) =>
        fixture.Names.Where(key => key.StartsWith("initial.", StringComparison.Ordinal)).Select(key => key["initial.".Length..]);

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected - actual).abs().max().item<float>();
        Assert.True(difference <= tolerance, $"The greatest difference is {difference}, more than {tolerance}.");
    }

    /// <summary>Each network after the training's steps, which are taken once.</summary>
    public sealed class TrainedModels : IDisposable
    {
        private readonly Dictionary<string, (ChangeDetectionModel Model, double[] Losses)> _trained = [];

        internal (ChangeDetectionModel Model, double[] Losses) Of(string name)
        {
            if (!_trained.TryGetValue(name, out (ChangeDetectionModel, double[]) trained))
            {
                using TensorFixture fixture = new(name);
                ChangeDetectionModel model = ModelOf(fixture, name);
                _trained[name] = trained = (model, Train(model, name, fixture));
            }

            return trained;
        }

        public void Dispose()
        {
            foreach ((ChangeDetectionModel model, _) in _trained.Values) model.Dispose();
        }
    }
}
