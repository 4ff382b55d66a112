using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using static TorchSharp.torch;
using Changes = RobustTrain.Training.Tasks.ChangeDetection.Models.ModelCatalog;
using Labels = RobustTrain.Training.Tasks.Classification.Models.ModelCatalog;
using Maps = RobustTrain.Training.Tasks.Segmentation.Models.ModelCatalog;

namespace RobustTrain.Tests.Training;

/// <summary>Weights for another number of classes, as public ones are: all but the last layer is taken, and the operator hears of it.</summary>
[Collection(TorchCollection.Name)]
public sealed class StartingWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SmallTraining _training = new();

    public void Dispose()
    {
        _folder.Dispose();
        _training.Dispose();
    }

    [Theory]
    [InlineData("resnet18", "fc.", "fc.bias and fc.weight")]
    [InlineData("unet", "outc.", "outc.conv.bias and outc.conv.weight")]
    [InlineData("deeplabv3", "classifier.4.", "classifier.4.bias and classifier.4.weight")]
    [InlineData("fc-siam-diff", "conv11d.", "conv11d.bias and conv11d.weight")]
    [InlineData("hanet", "conv7.", "conv7.weight")]
    public void The_last_layer_of_other_classes_begins_at_random_and_all_else_is_taken(string name, string head, string left)
    {
        ModelConfig four = new() { Name = name, BaseChannels = 4, Classes = 4, Backbone = "resnet18" };
        string file = Save(four with { Classes = 10 }, seed: 1);
        using nn.Module model = Create(four, seed: 2);
        Dictionary<string, byte[]> before = model.state_dict().ToDictionary(tensor => tensor.Key, tensor => tensor.Value.contiguous().bytes.ToArray());

        (string from, string? warning) = new StartingWeights(model, head, classes: 4).Load(file);

        Assert.Equal(file, from);
        Assert.Equal($"The weights in {file} are for 10 classes, and model.classes is 4: {left} are not taken from them, but begin at random.", warning);
        using nn.Module whole = Create(four with { Classes = 10 }, seed: 1);
        foreach ((string key, Tensor expected) in whole.state_dict())
            Assert.Equal(key.StartsWith(head, StringComparison.Ordinal) ? before[key] : expected.contiguous().bytes.ToArray(), model.state_dict()[key].contiguous().bytes.ToArray());
    }

    [Fact]
    public void Weights_for_as_many_classes_are_taken_whole_without_a_word()
    {
        ModelConfig four = new() { Name = "resnet18", BaseChannels = 4, Classes = 4 };
        using nn.Module model = Create(four, seed: 2);
        Assert.Null(new StartingWeights(model, "fc.", classes: 4).Load(Save(four, seed: 1)).Warning);
    }

    [Fact]
    public void Another_difference_is_refused()
    {
        ModelConfig four = new() { Name = "resnet18", BaseChannels = 4, Classes = 4 };
        using nn.Module model = Create(four, seed: 2);
        CheckpointException refused = Assert.Throws<CheckpointException>(() => new StartingWeights(model, "fc.", classes: 4).Load(Save(four with { Classes = 10, BaseChannels = 8 }, seed: 1)));
        Assert.Contains("are of another model: its tensor 'conv1.weight' is F32 [8, 3, 7, 7] instead of F32 [4, 3, 7, 7]", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_says_once_what_begins_at_random()
    {
        ModelConfig ten = _training.Config.Model with { Classes = 10 };
        string file = Save(ten, seed: 1);
        _training.Config = _training.Config with { Trainer = _training.Config.Trainer with { StartFrom = file } };
        MemoryJournal journal = new();
        _training.RunSteps(3, journal);
        MemoryJournal again = new();
        _training.Run(again);

        Assert.Equal(
            $"The weights in {file} are for 10 classes, and model.classes is 2: conv11d.bias and conv11d.weight are not taken from them, but begin at random.",
            Assert.Single(journal.Events.OfType<RunWarning>(), warning => warning.Kind == "head_at_random").Message);
        Assert.DoesNotContain(again.Events, happened => happened is RunWarning { Kind: "head_at_random" });
    }

    [Fact]
    public void Keys_that_the_network_does_not_go_by_are_named_with_the_networks_that_do()
    {
        _training.Config = _training.Config with { Model = _training.Config.Model with { Blocks = 8, Stem = "small", Dropout = 0.3 } };
        IReadOnlyList<RunWarning> warnings = TrainingPlan.Create(_training.Config, _training.Data).Warnings;
        Assert.Equal(
            [
                "model.stem is given, but fc-siam-diff does not go by it; these networks do: resnet18, resnet34, resnet50.",
                "model.blocks is given, but fc-siam-diff does not go by it; these networks do: srvggnet-compact, edsr, edsr-baseline, span, rrdbnet.",
            ],
            warnings.Select(warning => warning.Message));
    }

    private static nn.Module Create(ModelConfig config, long seed) => config.Name switch
    {
        "resnet18" => Labels.Networks.Create(config, seed),
        "unet" or "deeplabv3" => Maps.Networks.Create(config, seed),
        _ => Changes.Networks.Create(config, seed),
    };

    private string Save(ModelConfig config, long seed)
    {
        string path = _folder.At("weights.safetensors");
        using nn.Module model = Create(config, seed);
        using FileStream file = File.Create(path);
        SafeTensorsWriter.Write(file, [.. model.state_dict().Select(pair => new HostTensor(pair.Key, ElementFormats.FormatOf(pair.Value.dtype), pair.Value.shape, pair.Value.contiguous().bytes.ToArray()))]);
        return path;
    }
}
