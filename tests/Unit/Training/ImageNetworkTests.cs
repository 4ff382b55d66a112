using System.Globalization;
using System.Text;
using System.Text.Json;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using RobustTrain.Training.Tasks.ImageNetworks;
using static TorchSharp.torch;
using Classifiers = RobustTrain.Training.Tasks.Classification.Models.ModelCatalog;
using Segmenters = RobustTrain.Training.Tasks.Segmentation.Models.ModelCatalog;

namespace RobustTrain.Tests.Training;

/// <summary>The networks over single images against the same networks in PyTorch; fixtures/make_fixtures.py says how the values were made.</summary>
[Collection(TorchCollection.Name)]
public sealed class ImageNetworkTests : IDisposable
{
    private const int Steps = 20;
    private const int Batches = 4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("unet", 2, 5e-3)]
    [InlineData("resnet18", 4, 2e-5)]
    public void Twenty_losses_and_logits_before_and_after_equal_those_of_PyTorch(string name, int classes, double learningRate)
    {
        using TensorFixture fixture = new(name);
        using ImageModel model = Create(name, new ModelConfig { Name = name, Classes = classes, BaseChannels = 4, Dropout = 0 }, seed: 1);
        using (IDisposable noGrad = no_grad())
        {
            Dictionary<string, Tensor> state = model.state_dict();
            foreach (string parameter in fixture.Names.Where(key => key.StartsWith("initial.", StringComparison.Ordinal)))
                state[parameter["initial.".Length..]].copy_(fixture[parameter]);
        }

        AssertOddLogits("initial", 1e-5);
        using optim.Optimizer optimizer = optim.SGD(model.parameters(), learningRate, momentum: 0.9, weight_decay: 1e-4);
        using Criterion criterion = CriterionCatalog.Create(new CriterionConfig(), CPU);
        double[] expected = fixture.Doubles("losses");
        Assert.Equal(Steps, expected.Length);
        model.train();
        for (int step = 0; step < Steps; step++)
        {
            using IDisposable scope = NewDisposeScope();
            string batch = $"batch{step % Batches}";
            optimizer.zero_grad();
            Tensor loss = criterion.Compute(model.call(fixture[$"{batch}.image"]), fixture[$"{batch}.label"]);
            loss.backward();
            optimizer.step();

            // PyTorch's numbers are of Linux; Windows' libtorch is of another compiler and rounds differently: 1.5e-5 of U-Net's loss, 3e-4 of
            // its logits after these steps.
            Assert.Equal(expected[step], loss.item<float>(), expected[step] * (OperatingSystem.IsWindows() ? 3e-5 : 1e-5));
        }

        AssertOddLogits("trained", OperatingSystem.IsWindows() ? 1e-3 : 1e-4);

        void AssertOddLogits(string when, double tolerance)
        {
            using IDisposable noGrad = no_grad();
            using IDisposable scope = NewDisposeScope();
            model.eval();
            Tensor logits = model.call(fixture["odd.image"]);
            Assert.Equal(fixture[$"odd.{when}_logits"].shape, logits.shape);
            Assert.InRange((logits - fixture[$"odd.{when}_logits"]).abs().max().item<float>(), 0, tolerance);
        }
    }

    [Theory]
    [InlineData("resnet18", 1000, 11_689_512)]
    [InlineData("resnet34", 1000, 21_797_672)]
    [InlineData("resnet50", 1000, 25_557_032)]
    [InlineData("deeplabv3", 21, 39_638_869)]
    [InlineData("unet", 2, 31_037_698)]
    public void Parameters_and_buffers_have_the_names_and_shapes_of_the_public_weights(string name, int classes, long parameters)
    {
        using JsonDocument all = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "public-names.json")));
        using ImageModel model = Create(name, new ModelConfig { Name = name, Classes = classes, BaseChannels = 64 }, seed: 1);

        Assert.Equal(
            all.RootElement.GetProperty(name).EnumerateObject().Select(entry => $"{entry.Name} {string.Join('x', entry.Value.EnumerateArray())}").Order(StringComparer.Ordinal),
            model.state_dict().Select(entry => $"{entry.Key} {string.Join('x', entry.Value.shape)}").Order(StringComparer.Ordinal));
        Assert.Equal(parameters, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("deeplabv3")]
    [InlineData("resnet18")]
    [InlineData("resnet50")]
    public void First_weights_are_a_pure_function_of_the_seed(string name)
    {
        ModelConfig config = new() { Name = name, BaseChannels = 4 };
        using ImageModel first = Create(name, config, seed: 5);
        using Tensor drawn = rand(3);
        using ImageModel again = Create(name, config, seed: 5);
        using ImageModel other = Create(name, config, seed: 6);
        foreach ((string parameter, Tensor values) in first.state_dict())
            Assert.True(values.equal(again.state_dict()[parameter]).all().item<bool>(), parameter);
        Assert.All(
            first.named_parameters().Where(named => named.parameter.dim() > 1),
            named => Assert.False(named.parameter.allclose(other.state_dict()[named.name]), named.name));
    }

    [Theory]
    [InlineData("unet", "standard", 13)]
    [InlineData("unet", "standard", 21)]
    [InlineData("deeplabv3", "standard", 17)]
    [InlineData("resnet18", "standard", 17)]
    [InlineData("resnet34", "small", 13)]
    [InlineData("resnet50", "standard", 21)]
    public void Onnx_Runtime_computes_of_each_network_what_the_network_computes_at_any_size(string name, string stem, int opset)
    {
        using ImageModel model = Create(name, new ModelConfig { Name = name, BaseChannels = 4, Stem = stem, Classes = 5 }, seed: 3);
        model.eval();
        OnnxGraph graph = new(model);
        string logits = model.Describe(graph, graph.Input("image", "n", "3", "h", "w"));
        graph.Output("logits", logits, name.StartsWith("resnet", StringComparison.Ordinal) ? ["n", "5"] : ["n", "5", "h", "w"]);
        byte[] file = graph.ToBytes(name, opset, new Dictionary<string, string>());

        using OnnxCheck check = new(file, threads: 2);
        foreach ((int batch, int height, int width) in ((int, int, int)[])[(1, 64, 96), (2, 53, 37), (1, 16, 17)])
        {
            using IDisposable noGrad = no_grad();
            using Tensor image = rand(batch, 3, height, width);
            using Tensor expected = model.call(image);
            Assert.InRange(check.LargestDifference(new Dictionary<string, Tensor> { ["image"] = image }, expected), 0, 1e-4);
        }

        string text = Encoding.Latin1.GetString(file);
        Assert.All(model.named_parameters(), named => Assert.Contains(named.name, text, StringComparison.Ordinal));
    }

    [PythonTorchTheory]
    [InlineData("unet")]
    [InlineData("deeplabv3")]
    [InlineData("resnet34")]
    [InlineData("resnet50")]
    public void Weights_saved_here_give_the_same_logits_in_Python(string name)
    {
        using ImageModel model = Create(name, new ModelConfig { Name = name, BaseChannels = 4 }, seed: 3);
        model.eval();
        using IDisposable noGrad = no_grad();
        Tensor image = rand(2, 3, 61, 48);
        Dictionary<string, Tensor> tensors = model.state_dict().ToDictionary(pair => "initial." + pair.Key, pair => pair.Value);
        (tensors["image"], tensors["logits"]) = (image, model.call(image));
        string path = _folder.At("weights.safetensors");
        using (FileStream file = File.Create(path))
            SafeTensorsWriter.Write(file, [.. tensors.Select(pair => new HostTensor(pair.Key, ElementFormats.FormatOf(pair.Value.dtype), pair.Value.shape, pair.Value.contiguous().bytes.ToArray()))]);

        string answer = PythonTorchTheoryAttribute.Ask("compare_logits.py", name, path);

        // Debian's Python computes with another version of libtorch; rounding grows with the numbers.
        double greatest = Math.Max(1, tensors["logits"].abs().max().item<float>());
        Assert.InRange(double.Parse(answer, CultureInfo.InvariantCulture), 0, 1e-4 * greatest);
    }

    [Fact]
    public void A_batch_of_one_value_a_channel_is_normalised_by_the_running_statistics_and_can_be_learned_from()
    {
        using ImageModel model = Create("resnet18", new ModelConfig { Name = "resnet18", BaseChannels = 4 }, seed: 1);
        Dictionary<string, Tensor> before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        model.train();

        using Tensor logits = model.call(rand(1, 3, 32, 32));
        logits.sum().backward();

        Assert.All(model.named_parameters(), named => Assert.True(named.parameter.grad!.isfinite().all().item<bool>(), named.name));
        Assert.True(model.state_dict()["layer4.1.bn2.running_mean"].equal(before["layer4.1.bn2.running_mean"]).all().item<bool>());
        Assert.False(model.state_dict()["bn1.running_mean"].equal(before["bn1.running_mean"]).all().item<bool>());
    }

    private static ImageModel Create(string name, ModelConfig config, long seed)
    {
        NetworkCatalog<ImageModel> catalog = Segmenters.Networks.Names.Contains(name) ? Segmenters.Networks : Classifiers.Networks;
        return catalog.Create(config, seed);
    }
}
