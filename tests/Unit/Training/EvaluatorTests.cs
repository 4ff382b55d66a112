using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Evaluation;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class EvaluatorTests : IDisposable
{
    private readonly SmallTraining _training = new();
    private readonly List<string> _warnings = [];

    [Fact]
    public void The_best_checkpoint_on_the_test_split_has_the_scores_of_the_training_s_test()
    {
        TrainingOutcome outcome = _training.Run();
        EvaluationResult result = Open(CheckpointChoice.Best).Run(new MemoryJournal());

        Assert.Equal(outcome.TestScores, result.Scores);
        Assert.Equal(6, result.Samples.Count);
        Assert.Equal("test", result.Split);
    }

    [Fact]
    public void A_checkpoint_s_own_folder_can_be_named()
    {
        _training.Run();
        Checkpoint latest = _training.Checkpoints.List()[0];

        Assert.Equal(latest.Path, Open(CheckpointChoice.Best, latest.Path).Checkpoint.Path);
        Assert.Equal(latest.Path, Open(CheckpointChoice.Latest).Checkpoint.Path);
    }

    [Fact]
    public void A_damaged_latest_checkpoint_is_passed_over_with_a_warning()
    {
        _training.Run();
        IReadOnlyList<Checkpoint> checkpoints = _training.Checkpoints.List();
        File.Delete(Path.Combine(checkpoints[0].Path, Checkpoint.WeightsFile));

        Assert.Equal(checkpoints[1].Path, Open(CheckpointChoice.Latest).Checkpoint.Path);
        Assert.Single(_warnings);
    }

    [Fact]
    public void A_damaged_checkpoint_that_is_named_is_refused()
    {
        _training.Run();
        string folder = _training.Checkpoints.List()[0].Path;
        string weights = Path.Combine(folder, Checkpoint.WeightsFile);
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(weights, bytes);

        Refused(CheckpointException.Damaged, weights, folder);
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused()
    {
        _training.Run();
        _training.Config = _training.Config with { Model = _training.Config.Model with { Name = "fc-siam-conc" } };
        Refused(CheckpointException.OtherModel, "it holds fc-siam-diff (in_channels 3, classes 2, base_channels 2), but the configuration asks for fc-siam-conc", _training.RunPath);
    }

    [Fact]
    public void A_folder_without_a_checkpoint_is_refused()
    {
        Refused(CheckpointException.NotFound, "There is no folder", _training.RunPath);
        Directory.CreateDirectory(_training.RunPath);
        Refused(CheckpointException.NotFound, "has no manifest.json", _training.RunPath);
    }

    [Fact]
    public void A_run_that_has_validated_no_epoch_has_no_best()
    {
        _training.RunSteps(1);
        Refused(CheckpointException.NotFound, "no epoch has been validated; --checkpoint latest takes its latest one.", _training.RunPath);
    }

    public void Dispose() => _training.Dispose();

    private Evaluator Open(CheckpointChoice choice, string? path = null) =>
        Evaluator.Open(_training.Config, path ?? _training.RunPath, choice, DatasetSplit.Test, warning => _warnings.Add(warning.Message), () => _training.Data.Test);

    private void Refused(string errorId, string sentence, string path)
    {
        CheckpointException refused = Assert.Throws<CheckpointException>(() => Open(CheckpointChoice.Best, path));
        Assert.Equal((ExitCode.Configuration, errorId), (refused.ExitCode, refused.ErrorId));
        Assert.Contains(sentence, refused.Message);
    }
}
