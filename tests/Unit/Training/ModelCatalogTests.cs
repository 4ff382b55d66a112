using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.RegularExpressions;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

public sealed partial class ModelCatalogTests
{
    public static TheoryData<string> ModelNames => [.. ModelCatalog.Networks.Names];

    [Fact]
    public void The_configuration_allows_exactly_the_models_that_exist()
    {
        IEnumerable<object?> allowed = typeof(ModelConfig).GetProperty(nameof(ModelConfig.Name))!.GetCustomAttribute<AllowedValuesAttribute>()!.Values;

        Assert.Equal(TaskCatalog.ModelNames.Order(), allowed.Cast<string>().Order());
        Assert.Equal(ModelCatalog.Networks.Names, TaskCatalog.Tasks[0].Models);
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void Weights_are_a_function_of_the_seed_alone(string name)
    {
        ModelConfig config = new() { Name = name, BaseChannels = 4 };
        manual_seed(1);
        using ChangeDetectionModel first = ModelCatalog.Networks.Create(config, seed: 42);
        manual_seed(2);
        using ChangeDetectionModel second = ModelCatalog.Networks.Create(config, seed: 42);
        using ChangeDetectionModel other = ModelCatalog.Networks.Create(config, seed: 43);

        Dictionary<string, Tensor> expected = first.state_dict();
        Dictionary<string, Tensor> same = second.state_dict();
        Dictionary<string, Tensor> different = other.state_dict();
        Assert.All(expected, pair => Assert.True(Same(pair.Value, same[pair.Key]), pair.Key));
        Assert.All(
            expected.Where(pair => pair.Value.dim() == 4),
            pair => Assert.False(Same(pair.Value, different[pair.Key]), pair.Key));
    }

    [Theory]
    [InlineData("fc-siam-diff", "conv11.weight", 27)]
    [InlineData("fc-siam-diff", "conv43d.weight", 9 * 32)]
    public void Default_weights_are_uniform_within_one_over_the_root_of_the_fan_in(string name, string parameter, int fanIn)
    {
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 4 }, seed: 7);

        Tensor weight = model.state_dict()[parameter];
        double bound = 1 / Math.Sqrt(fanIn);
        Assert.InRange(weight.abs().max().item<float>(), 0.9 * bound, bound);
        Assert.InRange(weight.mean().item<float>(), -0.15 * bound, 0.15 * bound);
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void Logits_have_the_size_of_the_images_and_a_channel_for_each_class(string name)
    {
        ModelConfig config = new() { Name = name, BaseChannels = 2, InChannels = 1, Classes = 5 };
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(config, seed: 0);

        using Tensor logits = model.call(rand(3, 1, 32, 48), rand(3, 1, 32, 48));

        Assert.Equal([3, 5, 32, 48], logits.shape);
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void With_the_statistics_of_each_image_the_encoder_depends_neither_on_the_training_nor_on_the_other_images(string name)
    {
        ModelConfig config = new() { Name = name, BaseChannels = 4, EvaluationStatistics = "image" };
        using ChangeDetectionModel ofImages = ModelCatalog.Networks.Create(config, seed: 0);
        using ChangeDetectionModel ofTraining = ModelCatalog.Networks.Create(config with { EvaluationStatistics = "training" }, seed: 0);
        Tensor image1 = rand(2, 3, 32, 48);
        Tensor image2 = rand(2, 3, 32, 48);
        using IDisposable noGrad = no_grad();
        ofImages.eval();
        ofTraining.eval();
        Tensor before = ofImages.call(image1, image2);
        Tensor beforeOfTraining = ofTraining.call(image1, image2);

        Shift(ofImages);
        Shift(ofTraining);

        Assert.InRange(Distance(before[1..], ofImages.call(image1[1..], image2[1..])), 0, 1e-4);
        Assert.InRange(Distance(beforeOfTraining, ofTraining.call(image1, image2)), 1e-2, double.MaxValue);
        Assert.InRange(Distance(before, beforeOfTraining), 1e-2, double.MaxValue);

        static double Distance(Tensor first, Tensor second) => (first - second).abs().max().item<float>() / first.abs().max().item<float>();

        // The encoder's statistics, which FC-Siam's decoder (bn11d) and HANet's fusion (cam_attention_1) have no part in.
        static void Shift(ChangeDetectionModel model)
        {
            foreach ((_, Tensor value) in model.state_dict().Where(pair => EncoderMean().IsMatch(pair.Key)))
                value.add_(3);
        }
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void Training_and_the_decoder_are_the_same_whatever_statistics_the_encoder_evaluates_with(string name)
    {
        ModelConfig config = new() { Name = name, BaseChannels = 4, Dropout = 0 };
        using ChangeDetectionModel ofTraining = ModelCatalog.Networks.Create(config, seed: 0);
        using ChangeDetectionModel ofImages = ModelCatalog.Networks.Create(config with { EvaluationStatistics = "image" }, seed: 0);
        Tensor image1 = rand(2, 3, 32, 48);
        Tensor image2 = rand(2, 3, 32, 48);

        Assert.True(Same(ofTraining.call(image1, image2), ofImages.call(image1, image2)));

        Dictionary<string, Tensor> expected = ofTraining.state_dict();
        Assert.All(ofImages.state_dict(), pair => Assert.True(Same(expected[pair.Key], pair.Value), pair.Key));
    }

    [Theory]
    [InlineData("fc-siam-diff")]
    [InlineData("fc-siam-conc")]
    public void Dropout_changes_training_but_not_evaluation(string name)
    {
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 4, Dropout = 0.5 }, seed: 0);
        Tensor image1 = rand(2, 3, 32, 32);
        Tensor image2 = rand(2, 3, 32, 32);

        model.train();
        Assert.False(Same(model.call(image1, image2), model.call(image1, image2)));
        model.eval();
        Assert.True(Same(model.call(image1, image2), model.call(image1, image2)));
    }

    [Theory]
    [MemberData(nameof(ModelNames))]
    public void Every_parameter_gets_a_gradient(string name)
    {
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = name, BaseChannels = 2 }, seed: 0);

        model.call(rand(2, 3, 32, 32), rand(2, 3, 32, 32)).square().sum().backward();

        Assert.All(model.named_parameters(), pair => Assert.True(pair.parameter.grad is not null, pair.name));
    }

    [Fact]
    public void A_large_attention_map_is_the_same_in_pieces()
    {
        // 16 rows of 1100 pixels exceed the attention map that is computed at once; 8 rows do not.
        using ChangeDetectionModel model = ModelCatalog.Networks.Create(new ModelConfig { Name = "hanet", BaseChannels = 2 }, seed: 0);
        LineAttention attention = model.named_modules().Select(pair => pair.module).OfType<LineAttention>().First();
        using IDisposable noGrad = no_grad();
        attention.get_parameter("gamma")!.fill_(1);
        Tensor image = rand(1, 2, 16, 1100);
        Tensor top = image.narrow(2, 0, 8);

        Tensor whole = attention.call(image);
        Tensor part = attention.call(top);

        Assert.True(whole.narrow(2, 0, 8).allclose(part, 1e-5, 1e-6));
    }

    [Theory]
    [InlineData("fc-siam-diff", 16, 16)]
    [InlineData("fc-siam-conc", 37, 999)]
    [InlineData("hanet", 112, 784)]
    public void Sizes_that_fit_pass_the_check(string name, int height, int width) =>
        ModelCatalog.Networks.CheckImageSize(new ModelConfig { Name = name }, height, width);

    [Theory]
    [InlineData("fc-siam-diff", 15, 64, "it halves them 4 times, so each side must have at least 16")]
    [InlineData("fc-siam-conc", 64, 8, "it halves them 4 times, so each side must have at least 16")]
    [InlineData("hanet", 100, 64, "it halves them 3 times and doubles them again, so each side must divide by 8")]
    public void A_size_that_does_not_fit_is_said_in_one_sentence(string name, int height, int width, string reason)
    {
        RunException error = Assert.Throws<RunException>(() => ModelCatalog.Networks.CheckImageSize(new ModelConfig { Name = name }, height, width));

        Assert.Equal($"The model {name} does not fit images of {height}x{width} pixels (height x width): {reason}.", error.Message);
        Assert.Equal("ModelImageSize", error.ErrorId);
        Assert.Equal(ExitCode.Configuration, error.ExitCode);
    }

    [Fact]
    public void An_unknown_model_is_answered_with_those_that_exist()
    {
        RunException error = Assert.Throws<RunException>(() => ModelCatalog.Networks.Create(new ModelConfig { Name = "resnet" }, seed: 0));

        Assert.Equal("ModelUnknown", error.ErrorId);
        Assert.Equal("model.name is 'resnet', but must be one of fc-siam-diff, fc-siam-conc, hanet.", error.Message);
    }

    [Fact]
    public void Hanet_with_an_odd_width_is_refused()
    {
        RunException error = Assert.Throws<RunException>(() => ModelCatalog.Networks.Create(new ModelConfig { Name = "hanet", BaseChannels = 5 }, seed: 0));

        Assert.Equal("ModelConfiguration", error.ErrorId);
        Assert.Equal("The model hanet can't be built: its grouped convolutions need an even model.base_channels, and it is 5.", error.Message);
    }

    private static bool Same(Tensor first, Tensor second) => first.eq(second).all().item<bool>();

    [GeneratedRegex(@"^(bn\d+|conv\d\.bn\d)\.running_mean$")]
    private static partial Regex EncoderMean();
}
