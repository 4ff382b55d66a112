using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Data;
using RobustTrain.Tests.Host;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ChangeDetection;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class ValidationSetTests(SampleScenes data) : IClassFixture<SampleScenes>, IDisposable
{
    private readonly SmallTraining _untouched = Training();
    private readonly SmallTraining _stopped = Training();

    [Fact]
    public void Each_set_has_the_scores_of_its_own_samples_beside_those_of_all()
    {
        SampleConfusion[] samples = [Sample("a", 5, 1, 2, 3), Sample("b", 0, 4, 4, 1), Sample("c", 9, 0, 0, 7)];
        ChangeDetectionTask task = new(new TrainingConfig());
        EvaluationResult result = new EvaluationResult("validation", task.Aggregate(samples), samples)
            .Of([new ValidationSet("near", new HashSet<string> { "a", "c" }), new ValidationSet("none", new HashSet<string> { "x" })], task);

        Assert.Equal(2.0 * 11 / ((2 * 11) + 5 + 6), result.Scores["f1"], 12);
        Assert.Equal(2.0 * 10 / ((2 * 10) + 1 + 2), result.Scores["near/f1"], 12);
        Assert.Equal(24.0 / 27, result.Scores["near/accuracy"], 12);
        Assert.DoesNotContain(result.Scores.Keys, name => name.StartsWith("none/", StringComparison.Ordinal));
    }

    [Fact]
    public void A_set_s_score_decides_which_epoch_is_best_and_a_stop_changes_nothing()
    {
        var journal = new MemoryJournal();
        _untouched.Run(journal);
        var stopped = new HashSet<long>();
        ExitCode code;
        do
        {
            using TrainingControl control = new();
            code = _stopped.Run(
                new MemoryJournal(runEvent =>
                {
                    if (runEvent is EvaluationProgress { Split: "validation" } && stopped.Add(_stopped.Checkpoints.List().Count))
                        control.RequestStop();
                }),
                control).ExitCode;
        }
        while (code == ExitCode.Stopped);

        Assert.NotEmpty(stopped);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        EpochFinished best = journal.Of<EpochFinished>().Last(epoch => epoch.IsBest);
        Assert.Equal(journal.Of<EpochFinished>().Max(epoch => epoch.Scores!["odd/recall"]), best.Scores!["odd/recall"]);
        Assert.Contains("even/f1", best.Scores.Keys);
        JsonElement scores = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RunFolder.EpochFolderOf(_untouched.RunPath, 0), "scores.json"))).RootElement;
        Assert.True(scores.GetProperty("aggregated").TryGetProperty("odd/recall", out _));
    }

    [Fact]
    public void A_metric_of_a_set_that_is_not_there_is_refused_with_the_nearest_name()
    {
        _untouched.Config = _untouched.Config with { Trainer = _untouched.Config.Trainer with { BestMetric = "od/f1" } };
        RunException refused = Assert.Throws<RunException>(() => _untouched.Run());
        Assert.Equal("ScoreUnknown", refused.ErrorId);
        Assert.Contains("Did you mean odd/f1?", refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_untouched.RunPath));
    }

    [Fact]
    public void Scenes_make_the_sets_of_air_change_and_train_no_more()
    {
        TrainingPlan plan = Plan($"data.path={data.Path}", "data.validation_sets={szada: [Szada/6, szada/7], tiszadob: [Tiszadob/5]}", "trainer.best_metric=szada/f1");
        Assert.Equal(9 * 312, plan.Data.Training.Count);
        Assert.Equal(["szada", "tiszadob"], plan.Data.ValidationSets.Select(set => set.Name));
        Assert.Equal([2, 1], plan.Data.ValidationSets.Select(set => set.Samples.Count * 3 / plan.Data.Validation.Count));
        Assert.All(plan.Data.ValidationSets[0].Samples, name => Assert.StartsWith("Szada/", name, StringComparison.Ordinal));
        Assert.Equal(plan.Data.Validation.Count, plan.Data.ValidationSets.Sum(set => set.Samples.Count));
    }

    [Fact]
    public void List_files_make_the_sets_of_change_pairs()
    {
        using TemporaryFolder folder = new();
        TinyPairs.Write(folder.Path);
        File.WriteAllText(folder.At("near.txt"), "train_3.bmp\nval_4.bmp\n");
        File.WriteAllText(folder.At("far.txt"), "test_5.bmp\n");
        string[] settings = [$"data.path={folder.Path}", "data.dataset=change-pairs", "data.crop_size=32", "data.validation_sets={near: [near.txt], far: [far.txt]}"];
        TrainingPlan plan = Plan(settings);
        Assert.Equal([2, 1], plan.Data.ValidationSets.Select(set => set.Samples.Count));
        Assert.Equal((4, 3, 1), (plan.Data.Training.Count, plan.Data.Validation.Count, plan.Data.Test.Count));

        File.WriteAllText(folder.At("far.txt"), "val_4.bmp\n");
        Assert.Contains("twice", Assert.Throws<DatasetException>(() => Plan(settings)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    private static SmallTraining Training()
    {
        SmallTraining training = new();
        training.Config = training.Config with { Trainer = training.Config.Trainer with { BestMetric = "odd/recall" } };
        training.Data = training.Data with
        {
            ValidationSets =
            [
                new ValidationSet("odd", new HashSet<string> { "square 1", "square 3", "square 5" }),
                new ValidationSet("even", new HashSet<string> { "square 0", "square 2", "square 4" }),
            ],
        };
        return training;
    }

    private static SampleConfusion Sample(string name, params long[] counts) => new(name, new ConfusionMatrix(2, counts));

    private static TrainingPlan Plan(params string[] settings) => TrainingPlan.Create(ConfigurationReader.Read<TrainingConfig>(null, settings));
}
