using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using RobustTrain.Training.Tasks.OwnNetworks;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>TorchScript files that Debian's Python has written (fixtures/make_scripts.py).</summary>
[Collection(TorchCollection.Name)]
public sealed class ScriptedNetworkTests : IClassFixture<ScriptedNetworkTests.Scripts>, IDisposable
{
    private readonly Scripts _scripts;
    private readonly SmallTraining _training = new();

    public ScriptedNetworkTests(Scripts scripts)
    {
        _scripts = scripts;
        _training.Config = _training.Config with { Model = new ModelConfig { Path = scripts.At("small.pt") } };
    }

    public void Dispose() => _training.Dispose();

    [PythonTorchFact]
    public void It_is_trained_saved_and_scored_under_its_own_names()
    {
        TrainingOutcome outcome = _training.Run();

        Assert.Equal(ExitCode.Finished, outcome.ExitCode);
        Checkpoint best = _training.Checkpoints.List().First(checkpoint => checkpoint.Manifest.IsBest);
        Assert.StartsWith("torchscript:", best.Manifest.Model.Name, StringComparison.Ordinal);
        using SafeTensorsReader weights = SafeTensorsReader.Open(Path.Combine(best.Path, Checkpoint.WeightsFile));
        Assert.Equal(
            ["conv.bias", "conv.weight", "norm.bias", "norm.num_batches_tracked", "norm.running_mean", "norm.running_var", "norm.weight", "out.bias", "out.weight"],
            weights.Entries.Keys.Order(StringComparer.Ordinal));
        using ScriptedNetwork untrained = ScriptedNetwork.Load(_scripts.At("small.pt"), inputs: 2);
        Dictionary<string, Tensor> first = untrained.state_dict();
        Assert.NotEqual(first["conv.weight"].data<float>().ToArray(), SmallTraining.Floats(weights, "conv.weight"));
        Assert.NotEqual(first["norm.running_mean"].data<float>().ToArray(), SmallTraining.Floats(weights, "norm.running_mean"));
        Assert.True(BitConverter.ToInt64(weights.Read("norm.num_batches_tracked")) > 0);
        Assert.Equal(
            outcome.TestScores,
            Evaluator.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, DatasetSplit.Test, _ => { }, () => _training.Data.Test).Run(new MemoryJournal()).Scores);
    }

    [PythonTorchFact]
    public void A_training_that_is_stopped_and_goes_on_ends_with_the_same_bits()
    {
        using SmallTraining untouched = new() { Config = _training.Config };
        untouched.Run();

        _training.RunSteps(2);
        _training.RunSteps(3);
        _training.Run();

        Assert.Equal(untouched.FinalState(), _training.FinalState());
    }

    [PythonTorchFact]
    public void In_training_it_drops_and_counts_and_in_evaluation_it_does_neither()
    {
        using ScriptedNetwork model = ScriptedNetwork.Load(_scripts.At("small.pt"), inputs: 2);
        using IDisposable noGrad = no_grad();
        Tensor image = rand(2, 3, 16, 16);

        model.eval();
        Assert.True(model.Call([image, image]).eq(model.Call([image, image])).all().item<bool>());
        Assert.Equal(0, model.state_dict()["norm.num_batches_tracked"].item<long>());
        model.train();
        Assert.False(model.Call([image, image]).eq(model.Call([image, image])).all().item<bool>());
        Assert.Equal(2, model.state_dict()["norm.num_batches_tracked"].item<long>());
    }

    [PythonTorchFact]
    public void A_traced_network_has_the_parameters_of_the_network_it_was_traced_from()
    {
        using ScriptedNetwork traced = ScriptedNetwork.Load(_scripts.At("traced.pt"), inputs: 2);
        using ChangeDetectionModel own = ModelCatalog.Networks.Create(new ModelConfig { Name = "fc-siam-conc", BaseChannels = 2 }, seed: 0);

        Assert.Equal(own.named_parameters().Select(named => named.name).Order(), traced.named_parameters().Select(named => named.name).Order());
    }

    [PythonTorchFact]
    public void A_checkpoint_of_another_file_is_refused()
    {
        _training.RunSteps(1);
        _training.Config = _training.Config with { Model = new ModelConfig { Path = _scripts.At("traced.pt") } };

        RunException refused = Assert.Throws<CheckpointException>(() => Evaluator.Open(_training.Config, _training.RunPath, CheckpointChoice.Latest, DatasetSplit.Test, _ => { }, () => _training.Data.Test));
        Assert.Equal(CheckpointException.OtherModel, refused.ErrorId);
    }

    [PythonTorchTheory]
    [InlineData("five.pt", "ModelFileUnfit", "gives [1, 5, 16, 16] for two image batches of [1, 3, 16, 16], but change detection with model.classes 2 expects [1, 2, 16, 16].")]
    [InlineData("one.pt", "ModelFileUnfit", "can't take two image batches of [1, 3, 16, 16], as change detection with model.in_channels 3 gives it: ")]
    [InlineData("pair.pt", "ModelFileUnfit", "gives something else than one tensor for two image batches of [1, 3, 16, 16]; change detection expects [1, 2, 16, 16].")]
    [InlineData("torn.pt", "ModelFileNotUsable", "can't be loaded: ")]
    [InlineData("text.pt", "ModelFileNotUsable", "can't be loaded: ")]
    [InlineData("none.pt", "ModelFileNotFound", "there is no such file; a TorchScript file is expected")]
    public void A_file_that_does_not_fit_is_refused_in_one_sentence(string file, string id, string sentence)
    {
        byte[] whole = File.ReadAllBytes(_scripts.At("small.pt"));
        File.WriteAllBytes(_scripts.At("torn.pt"), whole[..(whole.Length / 2)]);
        File.WriteAllText(_scripts.At("text.pt"), "model: fc-siam-diff\n");
        _training.Config = _training.Config with { Model = new ModelConfig { Path = _scripts.At(file) } };

        RunException refused = Assert.Throws<RunException>(() => TrainingPlan.Create(_training.Config, _training.Data));

        Assert.Equal((id, ExitCode.Configuration), (refused.ErrorId, refused.ExitCode));
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.InRange(refused.Message.Length, 1, 400);
    }

    /// <summary>The files, written once.</summary>
    public sealed class Scripts : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Scripts()
        {
            if (new PythonTorchTheoryAttribute().Skip is null)
                PythonTorchTheoryAttribute.Ask("make_scripts.py", _folder.Path);
        }

        public string At(string file) => _folder.At(file);

        public void Dispose() => _folder.Dispose();
    }

    private sealed class PythonTorchFactAttribute : FactAttribute
    {
        public PythonTorchFactAttribute() => Skip = new PythonTorchTheoryAttribute().Skip;
    }
}
