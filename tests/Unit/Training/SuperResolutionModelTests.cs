using System.Globalization;
using System.Text.Json;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.SuperResolution.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The networks of super-resolution; fixtures/super_resolution_networks.py has the same networks in PyTorch.</summary>
[Collection(TorchCollection.Name)]
public sealed class SuperResolutionModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> ModelNames => [.. ModelCatalog.Networks.Names];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("srvggnet-compact", 4, null)]
    [InlineData("srvggnet-compact", 4, 32)]
    [InlineData("edsr", 2, null)]
    [InlineData("edsr-baseline", 3, null)]
    [InlineData("edsr-baseline", 4, null)]
    [InlineData("span", 4, null)]
    [InlineData("rrdbnet", 4, null)]
    [InlineData("rrdbnet", 2, null)]
    [InlineData("rrdbnet", 4, 6)]
    public void At_the_authors_sizes_names_and_shapes_are_those_of_the_public_weights(string name, int scale, int? blocks)
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, Scale = scale, Blocks = blocks }, seed: 0);

        Assert.Equal(PublicNames(blocks is null ? $"{name} {scale}" : $"{name} {scale} {blocks}"), NamesOf(model));
    }

    // As the papers and the repositories of the authors give them; SPAN's has the convolutions that it is evaluated with beside those that it is trained with.
    [Theory]
    [InlineData("srvggnet-compact", 621_424)]
    [InlineData("edsr-baseline", 1_517_571)]
    [InlineData("rrdbnet", 16_697_987)]
    public void There_are_as_many_parameters_as_the_authors_have(string name, long expected)
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, Scale = 4 }, seed: 0);

        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void First_weights_are_a_function_of_the_seed_alone(string name)
    {
        ModelConfig config = Small(name);
        manual_seed(1);
        using SuperResolutionModel first = ModelCatalog.Networks.Create(config, seed: 42);
        manual_seed(2);
        using SuperResolutionModel second = ModelCatalog.Networks.Create(config, seed: 42);
        using SuperResolutionModel other = ModelCatalog.Networks.Create(config, seed: 43);

        Dictionary<string, Tensor> same = second.state_dict();
        Dictionary<string, Tensor> different = other.state_dict();
        Assert.All(first.state_dict(), pair => Assert.True(Same(pair.Value, same[pair.Key]), pair.Key));
        Assert.All(first.state_dict().Where(pair => pair.Value.dim() == 4), pair => Assert.False(Same(pair.Value, different[pair.Key]), pair.Key));
    }

    [Fact]
    public void The_dense_blocks_begin_with_a_tenth_of_He_s_weights_and_no_bias()
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = "rrdbnet", Blocks = 1 }, seed: 3);
        Dictionary<string, Tensor> state = model.state_dict();

        double deviation = state["body.0.rdb2.conv3.weight"].std().item<float>();

        Assert.Equal(0.1 * Math.Sqrt(2.0 / (128 * 9)), deviation, deviation * 0.03);
        Assert.Equal(0, state["body.0.rdb2.conv3.bias"].abs().max().item<float>());
        Assert.InRange(state["conv_body.weight"].abs().max().item<float>(), 0.9 / 24, 1.0 / 24);
        Assert.NotEqual(0, state["conv_body.bias"].abs().max().item<float>());
    }

    [Theory]
    [InlineData("srvggnet-compact", 1)]
    [InlineData("srvggnet-compact", 3)]
    [InlineData("edsr-baseline", 2)]
    [InlineData("edsr-baseline", 3)]
    [InlineData("edsr", 8)]
    [InlineData("span", 2)]
    [InlineData("rrdbnet", 1)]
    [InlineData("rrdbnet", 2)]
    [InlineData("rrdbnet", 4)]
    public void Sides_grow_by_the_scale_whatever_the_channels(string name, int scale)
    {
        foreach (int channels in (int[])[1, 3])
        {
            using SuperResolutionModel model = ModelCatalog.Networks.Create(Small(name) with { Scale = scale, InChannels = channels }, seed: 0);
            using IDisposable noGrad = no_grad();

            using Tensor enlarged = model.call(rand(2, channels, 8, 12));

            Assert.Equal([2, channels, 8 * scale, 12 * scale], enlarged.shape);
        }
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void Every_learned_parameter_gets_a_gradient(string name)
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(Small(name), seed: 0);

        model.call(rand(2, 3, 8, 8)).square().sum().backward();

        Assert.All(model.named_parameters().Where(pair => pair.parameter.requires_grad), pair => Assert.True(pair.parameter.grad is not null, pair.name));
        Assert.Equal(name == "span", model.parameters().Any(parameter => !parameter.requires_grad));
    }

    [Fact]
    public void Span_computes_in_evaluation_what_it_computes_in_training_by_a_third_of_the_convolutions()
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(Small("span"), seed: 0);
        using optim.Optimizer optimizer = optim.Adam(model.parameters(), 1e-3);
        using Tensor image = rand(1, 3, 9, 7);
        for (int step = 0; step < 3; step++)
        {
            optimizer.zero_grad();
            model.call(image).square().mean().backward();
            optimizer.step();
        }

        using IDisposable noGrad = no_grad();
        using Tensor trained = model.call(image);
        model.eval();
        using Tensor evaluated = model.call(image);
        model.train();
        using Tensor again = model.call(image);

        Assert.InRange((trained - evaluated).abs().max().item<float>() / trained.abs().max().item<float>(), 1e-9, 1e-5);
        Assert.True(Same(trained, again));
    }

    [Theory]
    [InlineData("srvggnet-compact", 4, 13)]
    [InlineData("srvggnet-compact", 3, 17)]
    [InlineData("edsr", 2, 17)]
    [InlineData("edsr-baseline", 3, 21)]
    [InlineData("edsr-baseline", 8, 17)]
    [InlineData("span", 4, 17)]
    [InlineData("span", 2, 13)]
    [InlineData("rrdbnet", 4, 17)]
    [InlineData("rrdbnet", 2, 13)]
    [InlineData("rrdbnet", 1, 21)]
    public void Onnx_Runtime_computes_of_each_network_what_the_network_computes_at_any_size(string name, int scale, int opset)
    {
        using SuperResolutionModel model = ModelCatalog.Networks.Create(Small(name) with { Scale = scale }, seed: 3);
        using IDisposable noGrad = no_grad();
        foreach (Parameter slope in model.modules().OfType<PReLU>().Select(layer => layer.weight!))
            slope.copy_(rand(slope.shape));
        model.eval();
        OnnxGraph graph = new(model);
        graph.Output("gt", model.Describe(graph, graph.Input("lq", "n", "3", "h", "w")), "n", "3", "h_enlarged", "w_enlarged");
        byte[] file = graph.ToBytes(name, opset, new Dictionary<string, string>());

        using OnnxCheck check = new(file, threads: 2);
        foreach ((int batch, int height, int width) in ((int, int, int)[])[(1, 16, 24), (2, 12, 8)])
        {
            using Tensor image = rand(batch, 3, height, width);
            using Tensor expected = model.call(image);
            Assert.InRange(check.LargestDifference(new Dictionary<string, Tensor> { ["lq"] = image }, expected), 0, 1e-4);
        }
    }

    [Theory]
    [InlineData("span", null)]
    [InlineData("rrdbnet", 1)]
    public void A_run_becomes_a_file_of_ONNX_that_was_checked(string name, int? blocks)
    {
        using SmallTraining training = new() { Data = new DataSplits(new EnlargementsDataset(4), new EnlargementsDataset(1, salt: 1), new EnlargementsDataset(1, salt: 2)) };
        training.Config = training.Config with
        {
            Task = "super-resolution",
            Model = new ModelConfig { Name = name, Scale = 2, Features = 4, Blocks = blocks },
            Criterion = new CriterionConfig { Name = "l1" },
            Schedule = new ScheduleConfig { Name = "constant" },
            Trainer = training.Config.Trainer with { Epochs = 1, BestMetric = "psnr_y" },
        };
        training.Run();

        ModelExported exported = ModelExporter.Open(
            training.Config, training.RunPath, CheckpointChoice.Best, new ExportOptions { Path = _folder.At("a.onnx"), Format = ExportFormat.Onnx }, _ => { }).Run();

        Assert.InRange(exported.LargestDifference!.Value, 0, 1e-4);
        Assert.Equal(["batch", "3", "height", "width"], exported.InputShape);
    }

    [PythonTorchTheory]
    [InlineData("srvggnet-compact", 3, 2)]
    [InlineData("edsr", 2, 2)]
    [InlineData("edsr-baseline", 3, 2)]
    [InlineData("span", 2, null)]
    [InlineData("rrdbnet", 4, 1)]
    [InlineData("rrdbnet", 2, 1)]
    public void Twenty_losses_equal_those_of_PyTorch(string name, int scale, int? blocks)
    {
        const int steps = 20;
        const int batches = 4;
        const double rate = 1e-4;
        ModelConfig config = new() { Name = name, Scale = scale, Features = 8, Blocks = blocks };
        using SuperResolutionModel model = ModelCatalog.Networks.Create(config, seed: 5);
        manual_seed(6);
        Dictionary<string, Tensor> tensors = model.state_dict().ToDictionary(pair => $"initial.{pair.Key}", pair => pair.Value.detach().clone());
        for (int batch = 0; batch < batches; batch++)
        {
            tensors[$"batch{batch}.lq"] = rand(2, 3, 12, 16);
            tensors[$"batch{batch}.gt"] = rand(2, 3, 12 * scale, 16 * scale);
        }

        string path = TensorFiles.Save(_folder.At("training.safetensors"), tensors);
        using optim.Optimizer optimizer = optim.Adam(model.parameters().Where(parameter => parameter.requires_grad), rate, 0.9, 0.99);
        double[] losses = new double[steps];
        for (int step = 0; step < steps; step++)
        {
            using IDisposable scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor loss = nn.functional.l1_loss(model.call(tensors[$"batch{step % batches}.lq"]), tensors[$"batch{step % batches}.gt"]);
            loss.backward();
            optimizer.step();
            losses[step] = loss.item<float>();
        }

        string settings = JsonSerializer.Serialize(new { name, scale, features = 8, blocks, steps, batches, rate });
        double[] expected = JsonSerializer.Deserialize<double[]>(PythonTorchTheoryAttribute.Ask("super_resolution.py", "train", path, settings))!;
        Assert.NotEqual(expected[0], expected[^1]);
        for (int step = 0; step < steps; step++)
            Assert.Equal(expected[step], losses[step], expected[step] * 1e-5);
    }

    [Theory]
    [InlineData("rrdbnet", 3, null, "ModelConfiguration", "The model rrdbnet can't be built: model.scale is 3, but must be 1, 2 or 4.")]
    [InlineData("edsr", 1, null, "ModelConfiguration", "The model edsr can't be built: model.scale is 1, but must be 2, 3, 4 or 8.")]
    [InlineData("span", 4, 8, "ModelConfiguration", "The model span can't be built: it has 6 blocks, but model.blocks is 8.")]
    [InlineData("swinir", 4, null, "ModelUnknown", "model.name is 'swinir', but must be one of srvggnet-compact, edsr, edsr-baseline, span, rrdbnet.")]
    public void What_a_network_can_t_be_is_said_in_one_sentence(string name, int scale, int? blocks, string id, string message)
    {
        RunException refused = Assert.Throws<RunException>(() => ModelCatalog.Networks.Create(new ModelConfig { Name = name, Scale = scale, Blocks = blocks }, seed: 0));

        Assert.Equal((id, message, ExitCode.Configuration), (refused.ErrorId, refused.Message, refused.ExitCode));
    }

    [Fact]
    public void A_size_that_does_not_fit_is_said_in_one_sentence_and_is_padded()
    {
        ModelConfig config = new() { Name = "rrdbnet", Scale = 2 };

        RunException refused = Assert.Throws<RunException>(() => ModelCatalog.Networks.CheckImageSize(config, 17, 32));

        Assert.Equal("ModelImageSize", refused.ErrorId);
        Assert.Equal("The model rrdbnet does not fit images of 17x32 pixels (height x width): with model.scale 2 it lays squares of pixels into channels, so each side must divide by 2.", refused.Message);
        Assert.Equal((18, 32), ModelCatalog.Networks.PaddedSize(config, 17, 32));
        Assert.Equal((17, 32), ModelCatalog.Networks.PaddedSize(config with { Scale = 4 }, 17, 32));
        Assert.Equal(4, ModelCatalog.Networks.StrideOf(config with { Scale = 1 }));
        ModelCatalog.Networks.CheckImageSize(config with { Name = "span" }, 17, 31);
    }

    internal static SortedDictionary<string, string> PublicNames(string network)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "super_resolution_names.json");
        return new(JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty(network).EnumerateObject()
            .ToDictionary(named => named.Name, named => string.Join(" x ", named.Value.EnumerateArray())), StringComparer.Ordinal);
    }

    internal static SortedDictionary<string, string> NamesOf(nn.Module model) => new(
        model.state_dict().ToDictionary(named => named.Key, named => string.Join(" x ", named.Value.shape.Select(side => side.ToString(CultureInfo.InvariantCulture)))),
        StringComparer.Ordinal);

    private static ModelConfig Small(string name) =>
        new() { Name = name, Features = 8, Blocks = name == "span" ? null : 1, Scale = 2 };

    private static bool Same(Tensor first, Tensor second) => first.eq(second).all().item<bool>();
}

/// <summary>Files of tensors for Python.</summary>
internal static class TensorFiles
{
    /// <summary>Writes tensors of float32 under their names.</summary>
    public static string Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using FileStream file = File.Create(path);
        SafeTensorsWriter.Write(file, [.. tensors.Select(pair => Host(pair.Key, pair.Value))]);
        return path;
    }

    private static HostTensor Host(string name, Tensor values)
    {
        using Tensor dense = values.detach().contiguous();
        return new HostTensor(name, ElementFormats.FormatOf(values.dtype), values.shape, dense.bytes.ToArray());
    }
}
