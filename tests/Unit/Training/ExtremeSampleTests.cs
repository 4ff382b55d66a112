using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ClassLabels;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class ExtremeSampleTests : IDisposable
{
    private static readonly ScoreDefinition s_f1 = new("f1", ScoreDirection.HigherIsBetter);

    private readonly SmallTraining _training = new();

    public void Dispose() => _training.Dispose();

    [Fact]
    public void The_worst_come_first_then_the_best_and_a_sample_without_the_score_is_neither()
    {
        SampleResult[] samples = [Sample("a", hits: 9), Sample("b/1", hits: 1), Sample("empty", hits: null), Sample("c", hits: 5)];

        Assert.Equal(
            ["worst-01-0.1818-b-1", "worst-02-0.6667-c", "best-01-0.9474-a"],
            ExtremeSamples.Of(samples, s_f1, most: 2).Select(sample => sample.FileStem));
        Assert.Equal("worst-01-0.6667-cats-1.5", ExtremeSamples.Of([Sample("cats/1.5.PNG", hits: 5)], s_f1, most: 1)[0].FileStem);
        Assert.Equal(["a", "b/1"], ExtremeSamples.Of(samples, s_f1 with { Direction = ScoreDirection.LowerIsBetter }, most: 1).Select(sample => sample.Sample.Name));
    }

    [Fact]
    public void A_picture_shows_the_images_the_truth_and_what_was_found_invented_and_missed()
    {
        TrainingConfig config = new() { Data = new DataConfig { Mean = [0.5, 0.5, 0.5], Std = [0.5, 0.5, 0.5] } };
        using Tensor image1 = full([1, 3, 1, 4], 1f);
        using Tensor image2 = full([1, 3, 1, 4], -1f);
        using Tensor label = tensor(new long[] { 1, 0, 1, 255 }, [1, 1, 4]);
        using Tensor logits = tensor(new[] { 0f, 0, 1, 0, 1, 1, 0, 1 }, [1, 2, 1, 4]);

        ImageBuffer picture = SamplePicture.SideBySide(new SamplePictures(config).Draw([image1, image2], label, logits)[0]);

        (int, int, int)[] pixels = [.. picture.Pixels.ToArray().Chunk(3).Select(pixel => ((int)pixel[0], (int)pixel[1], (int)pixel[2]))];
        Assert.Equal((28, 1), (picture.Width, picture.Height));
        Assert.All(pixels[..4], pixel => Assert.Equal((255, 255, 255), pixel));
        Assert.All(pixels[8..12], pixel => Assert.Equal((0, 0, 0), pixel));
        Assert.Equal([(255, 255, 255), (0, 0, 0), (255, 255, 255), (64, 64, 64)], pixels[16..20]);
        Assert.Equal([(255, 255, 255), (230, 30, 30), (30, 90, 255), (64, 64, 64)], pixels[24..28]);
    }

    [Fact]
    public void Pictures_are_drawn_of_the_very_samples_that_scored_worst_and_best()
    {
        _training.Run();
        MemoryJournal journal = new();
        Evaluator evaluator = Evaluator.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, DatasetSplit.Test, _ => { }, () => _training.Data.Test);
        EvaluationResult result = evaluator.Run(journal);
        string folder = Path.Combine(_training.RunPath, "pictures");

        IReadOnlyList<string> files = evaluator.DrawExtremes(result, folder, most: 2, journal, CancellationToken.None);

        Assert.Equal(files.Order(), Directory.GetFiles(folder).Order());
        string[] scored = [.. result.Samples.Where(sample => sample.NamedScores.ContainsKey("f1")).OrderBy(sample => sample.NamedScores["f1"]).Select(sample => sample.Name.Replace(' ', '-'))];
        Assert.EndsWith($"{scored[0]}.png", files[0], StringComparison.Ordinal);
        Assert.EndsWith($"{scored[^1]}.png", files[2], StringComparison.Ordinal);
        Assert.Empty(journal.Of<RunWarning>());
    }

    private static SampleConfusion Sample(string name, int? hits)
    {
        // Ten changed pixels, of which so many are found, and none elsewhere.
        ConfusionMatrix confusion = hits is int found ? new(2, [10, 0, 10 - found, found]) : new(2, [20, 0, 0, 0]);
        return new SampleConfusion(name, confusion);
    }
}
