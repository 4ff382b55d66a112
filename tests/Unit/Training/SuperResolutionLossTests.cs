using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.SuperResolution.Losses;
using RobustTrain.Training.Tasks.SuperResolution.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>The losses of super-resolution and its discriminator against PyTorch (fixtures/super_resolution.py), and where they must refuse.</summary>
[Collection(TorchCollection.Name)]
public sealed class SuperResolutionLossTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [PythonTorchTheory]
    [InlineData(24, 32)]
    [InlineData(7, 5)]
    public void Losses_and_gradients_equal_those_of_PyTorch(int height, int width)
    {
        manual_seed(4);
        Dictionary<string, Tensor> tensors = VggWeights(conv31: true);
        TensorFiles.Save(_folder.At("vgg.safetensors"), tensors);
        Tensor target = rand(2, 3, height, width);
        tensors["target"] = target;
        tensors["output"] = (target + (0.1 * randn(target.shape))).detach();
        Dictionary<string, CriterionConfig> cases = new()
        {
            ["l1"] = new() { Name = "l1" },
            ["mse"] = new() { Name = "mse" },
            ["charbonnier"] = new() { Name = "charbonnier" },
            ["ms-ssim-l1"] = new() { Name = "ms-ssim-l1" },
            ["perceptual"] = new()
            {
                Name = "perceptual", PerceptualPath = _folder.At("vgg.safetensors"),
                PerceptualLayers = ["conv1_2", "conv2_2", "conv3_1"], PerceptualLayerWeights = [0.1, 0.1, 1],
            },
            ["sum"] = new() { Name = "sum", Terms = ["charbonnier", "ms-ssim-l1"], TermWeights = [0.5, 2] },
        };
        Dictionary<string, double> values = [];
        foreach ((string name, CriterionConfig config) in cases)
        {
            using ImageLoss loss = CriterionCatalog.Create(config, CPU);
            Tensor output = tensors["output"].clone().requires_grad_(true);
            Tensor value = loss.Compute(output, target);
            value.backward();
            values[name] = value.item<float>();
            tensors[$"gradient.{name}"] = output.grad!;
        }

        string answer = PythonTorchTheoryAttribute.Ask("super_resolution.py", "losses", TensorFiles.Save(_folder.At("losses.safetensors"), tensors));

        Dictionary<string, double[]> expected = JsonSerializer.Deserialize<Dictionary<string, double[]>>(answer)!;
        Assert.Equal(CriterionCatalog.Names.Order(), expected.Keys.Order());
        Assert.All(expected, pair =>
        {
            Assert.Equal(pair.Value[0], values[pair.Key], pair.Value[0] * 1e-5);
            Assert.InRange(pair.Value[1], 0, 1e-4);
        });
    }

    [Theory]
    [InlineData("l1")]
    [InlineData("mse")]
    [InlineData("ms-ssim-l1")]
    public void Equal_images_have_no_loss_and_worse_ones_more(string name)
    {
        using ImageLoss loss = CriterionCatalog.Create(new CriterionConfig { Name = name }, CPU);
        Tensor image = rand(1, 3, 16, 16);
        Tensor noise = randn(image.shape);

        double[] losses = [.. ((double[])[0, 0.05, 0.2]).Select(share => (double)loss.Compute(image + (noise * share), image).item<float>())];

        Assert.Equal(0, losses[0], 1e-6);
        Assert.True(losses[0] < losses[1] && losses[1] < losses[2]);
    }

    [Fact]
    public void Images_of_different_sizes_are_refused()
    {
        using ImageLoss loss = CriterionCatalog.Create(new CriterionConfig { Name = "l1" }, CPU);

        Assert.Contains("1 x 3 x 8 x 8 and 1 x 3 x 8 x 4", Assert.Throws<ArgumentException>(() => loss.Compute(rand(1, 3, 8, 8), rand(1, 3, 8, 4))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_perceptual_loss_says_what_its_file_lacks()
    {
        CriterionConfig config = new() { Name = "perceptual", PerceptualLayers = ["conv3_1"], PerceptualPath = _folder.At("none.safetensors") };
        Assert.Equal($"criterion.perceptual_path can't be read: there is no file '{config.PerceptualPath}'; a safetensors file with VGG19's weights under torchvision's names is expected.", Refusal(config));

        File.WriteAllText(_folder.At("torn.safetensors"), "torn");
        Assert.StartsWith("criterion.perceptual_path can't be read: ", Refusal(config with { PerceptualPath = _folder.At("torn.safetensors") }), StringComparison.Ordinal);

        TensorFiles.Save(_folder.At("short.safetensors"), VggWeights(conv31: false));
        Assert.EndsWith(
            "short.safetensors, which does not hold VGG19's weights under torchvision's names: it has no tensor 'features.10.weight'.",
            Refusal(config with { PerceptualPath = _folder.At("short.safetensors") }), StringComparison.Ordinal);

        static string Refusal(CriterionConfig config)
        {
            RunException refused = Assert.Throws<RunException>(() => CriterionCatalog.Create(config, CPU));
            Assert.Equal(("PerceptualWeights", ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
            return refused.Message;
        }
    }

    [Fact]
    public void Keys_of_losses_that_do_not_belong_together_are_each_said_in_one_sentence()
    {
        AssertConflict(new() { Name = "perceptual" }, "'criterion.perceptual_path' is not given, but the loss perceptual needs the weights of VGG19: a safetensors file with torchvision's names.");
        AssertConflict(new() { Name = "sum", Terms = ["l1", "perceptual"] }, "'criterion.perceptual_path' is not given, but the loss perceptual needs the weights of VGG19: a safetensors file with torchvision's names.");
        AssertConflict(new() { Name = "l1", PerceptualPath = "/a" }, "'criterion.perceptual_path' is given, but no loss is perceptual, so it would not be used.");
        AssertConflict(new() { Name = "sum" }, "'criterion.terms' names no loss, but 'criterion.name' is sum, so it must list those that are added up.");
        AssertConflict(new() { Name = "l1", Terms = ["mse"] }, "'criterion.terms' is given, but 'criterion.name' is l1, so it would not be used; set 'criterion.name: sum'.");
        AssertConflict(new() { Name = "sum", Terms = ["mse"], TermWeights = [1, 2] }, "'criterion.term_weights' has 2 weights, but 'criterion.terms' has 1.");
        AssertConflict(new() { Name = "l1", PerceptualLayerWeights = [1, 2] }, "'criterion.perceptual_layer_weights' has 2 weights, but 'criterion.perceptual_layers' has 1.");
        Assert.Empty(CriterionCatalog.FindConflicts(new TrainingConfig { Criterion = new CriterionConfig { Name = "l1" } }));
        Assert.Equal(
            "'data.crop_size' is 100, but 'gan.loss' is lsgan, whose discriminator takes sides that divide by 8.",
            Assert.Single(CriterionCatalog.FindConflicts(new TrainingConfig
            {
                Criterion = new CriterionConfig { Name = "l1" }, Gan = new GanConfig { Loss = "lsgan" }, Data = new DataConfig { CropSize = 100 },
            })).ErrorMessage);

        static void AssertConflict(CriterionConfig criterion, string expected) =>
            Assert.Equal(expected, Assert.Single(CriterionCatalog.FindConflicts(new TrainingConfig { Criterion = criterion })).ErrorMessage);
    }

    [Fact]
    public void The_terms_that_the_configuration_allows_are_those_that_exist()
    {
        IEnumerable<object?> allowed = typeof(CriterionConfig).GetProperty(nameof(CriterionConfig.Terms))!
            .GetCustomAttributes(typeof(AllowedValuesAttribute), false).Cast<AllowedValuesAttribute>().Single().Values;

        Assert.Equal(CriterionCatalog.TermNames.Order(), allowed.Cast<string>().Order());
    }

    [Fact]
    public void The_discriminator_has_the_names_and_shapes_of_the_public_weights()
    {
        using UNetDiscriminator discriminator = new(3, 64, seed: 0);

        Assert.Equal(SuperResolutionModelTests.PublicNames("discriminator"), SuperResolutionModelTests.NamesOf(discriminator));
        Assert.Equal(4_376_897, discriminator.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void Power_iterations_find_the_largest_singular_value_which_the_weight_is_divided_by()
    {
        using UNetDiscriminator discriminator = new(3, 4, seed: 0);
        SpectralConvolution convolution = discriminator.modules().OfType<SpectralConvolution>().First();
        using IDisposable noGrad = no_grad();
        for (int i = 0; i < 500; i++)
            convolution.call(zeros(1, 4, 8, 8)).Dispose();
        Tensor weight = convolution.get_parameter("weight_orig")!;
        double largest = linalg.svdvals(weight.flatten(1)).max().item<float>();
        Tensor image = rand(1, 4, 8, 8);
        convolution.eval();

        Tensor expected = nn.functional.conv2d(image, weight / largest, strides: [2, 2], padding: [1, 1]);

        Assert.InRange((expected - convolution.call(image)).abs().max().item<float>(), 0, 1e-5);
    }

    [PythonTorchTheory]
    [InlineData("vanilla")]
    [InlineData("lsgan")]
    [InlineData("hinge")]
    public void Twenty_losses_against_a_discriminator_that_learns_equal_those_of_PyTorch(string kind)
    {
        const int steps = 20;
        const int batches = 3;
        const double rate = 1e-4;
        TrainingConfig config = new()
        {
            Seed = 8,
            Model = new ModelConfig { Name = "srvggnet-compact", Scale = 2, Features = 8, Blocks = 2 },
            Criterion = new CriterionConfig { Name = "l1" },
            Optimizer = new OptimizerConfig { Name = "adam", LearningRate = rate, Beta2 = 0.99, WeightDecay = 0 },
            Gan = new GanConfig { Loss = kind, Weight = 0.3, DiscriminatorLearningRate = 4e-4, Features = 4 },
        };
        using SuperResolutionModel model = ModelCatalog.Networks.Create(config.Model, seed: 5);
        using CriterionSetup setup = new(config, "gt");
        using ITrainingLoss loss = setup.Create(null!, CPU);
        Learner discriminator = Assert.Single(loss.Opponents).Learner;
        manual_seed(6);
        Dictionary<string, Tensor> tensors = model.state_dict().ToDictionary(pair => $"initial.{pair.Key}", pair => pair.Value.detach().clone());
        foreach ((string name, Tensor value) in discriminator.Model.state_dict())
            tensors[$"discriminator.{name}"] = value.detach().clone();
        for (int batch = 0; batch < batches; batch++)
        {
            tensors[$"batch{batch}.lq"] = rand(2, 3, 8, 12);
            tensors[$"batch{batch}.gt"] = rand(2, 3, 16, 24);
        }

        string path = TensorFiles.Save(_folder.At("gan.safetensors"), tensors);
        using OptimizerHelper optimizer = OptimizerFactory.Create(config.Optimizer, [.. model.parameters()]);
        double[] losses = new double[steps];
        for (int step = 0; step < steps; step++)
        {
            using IDisposable scope = NewDisposeScope();
            optimizer.zero_grad();
            discriminator.Optimizer.zero_grad();
            loss.Begin(step);
            using BatchTensors batch = BatchTensors.Of([KeyValuePair.Create("gt", tensors[$"batch{step % batches}.gt"].alias())]);
            Tensor value = loss.Compute(model.call(tensors[$"batch{step % batches}.lq"]), batch);
            value.backward();
            optimizer.step();
            discriminator.Optimizer.step();
            losses[step] = value.item<float>();
        }

        string settings = JsonSerializer.Serialize(new
        {
            name = "srvggnet-compact", scale = 2, features = 8, blocks = 2, steps, batches, rate,
            gan = kind, weight = 0.3, discriminator_features = 4, discriminator_rate = 4e-4,
        });
        double[] expected = JsonSerializer.Deserialize<double[]>(PythonTorchTheoryAttribute.Ask("super_resolution.py", "train", path, settings))!;
        for (int step = 0; step < steps; step++)
            Assert.Equal(expected[step], losses[step], Math.Abs(expected[step]) * 1e-4);
    }

    // Random weights of VGG19's first layers: how they were trained has no part in the arithmetic.
    private static Dictionary<string, Tensor> VggWeights(bool conv31)
    {
        Dictionary<string, Tensor> weights = [];
        foreach ((int index, int inputs, int outputs) in ((int, int, int)[])[(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), .. conv31 ? [(10, 128, 256)] : ((int, int, int)[])[]])
        {
            weights[$"features.{index}.weight"] = randn(outputs, inputs, 3, 3) / Math.Sqrt(9 * inputs / 2.0);
            weights[$"features.{index}.bias"] = randn(outputs) * 0.1;
        }

        return weights;
    }
}
