using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Data;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.Classification;
using RobustTrain.Training.Tasks.ClassLabels;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Classification from the folders' names to the picture.</summary>
[Collection(TorchCollection.Name)]
public sealed class ClassificationTaskTests : IDisposable
{
    private static readonly string[] s_classes = ["ant", "bee", "cow", "dog", "elk", "fox"];

    private readonly SmallTraining _training = new();
    private readonly TemporaryFolder _folder = new();

    public ClassificationTaskTests()
    {
        foreach ((string split, int images) in ((string, int)[])[("train", 3), ("val", 2), ("test", 1)])
        {
            for (int c = 0; c < s_classes.Length; c++)
            {
                for (int image = 0; image < images; image++)
                    _folder.Write($"{split}/{s_classes[c]}/{image}.bmp", TestImage.Grey(20, 24, (x, y) => (x < 10 ? 40 * c : 200 - (30 * c)) + image));
            }
        }
    }

    public void Dispose()
    {
        _training.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_classes_of_a_configuration_are_the_folders_names_unless_it_gives_them()
    {
        TrainingConfig config = Read();
        Assert.Equal((6, "resnet18", "image-folders", "accuracy"), (config.Model.Classes, config.Model.Name, config.Data.Dataset, config.Trainer.BestMetric));
        Assert.Equal(s_classes, config.Model.ClassNames);
        Assert.Equal(s_classes, Assert.IsType<PredictionForm.Label>(TaskCatalog.Of(config).Prediction).ClassNames);

        string saved = _folder.At("run.yaml");
        File.WriteAllText(saved, ConfigurationWriter.Write(config));
        Directory.Move(_folder.At("train"), _folder.At("elsewhere"));
        Assert.Equal(s_classes, ConfigurationReader.Read<TrainingConfig>(saved, []).Model.ClassNames);
        Assert.Null(Read().Model.ClassNames);
    }

    [Fact]
    public void The_numbers_of_the_classes_follow_the_names_that_are_given()
    {
        TrainingConfig config = Read("model.class_names=[fox, elk, dog, cow, bee, ant]");
        TrainingPlan plan = TrainingPlan.Create(config);
        using PrefetchLoader loader = new(plan.Data.Test, new LoaderOptions { BatchSize = 6, NumWorkers = 0, PrefetchQueueLength = 1 });
        using IBatch batch = loader.ReadEpoch(0).First();
        Assert.Equal("ant/0.bmp", plan.Data.Test.NameOf(0));
        unsafe
        {
            Assert.Equal([5, 4, 3, 2, 1, 0], new ReadOnlySpan<long>((void*)batch["label"].Address, 6).ToArray());
        }
    }

    [Fact]
    public void A_training_that_is_stopped_and_goes_on_ends_with_the_bits_of_one_that_was_not()
    {
        using SmallTraining untouched = new();
        untouched.Config = _training.Config = Read("criterion.label_smoothing=0.1", "criterion.weighting=data", "data.smallest_crop_area=0.5");
        untouched.Data = _training.Data = TrainingPlan.Create(_training.Config).Data;
        untouched.Run();
        _training.RunSteps(2);
        _training.RunSteps(3);
        _training.Run();
        Assert.Equal(untouched.FinalState(), _training.FinalState());
    }

    [Fact]
    public void It_is_scored_in_sets_too_drawn_with_its_confusion_matrix_and_exported()
    {
        _folder.Write("small.txt", "ant/0\nbee/1\n"u8.ToArray());
        _training.Config = Read("data.validation_sets.small=[small.txt]", "trainer.best_metric=small/accuracy");
        _training.Data = TrainingPlan.Create(_training.Config).Data;
        MemoryJournal journal = new();
        _training.Run(journal);

        Evaluator evaluator = Evaluator.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, DatasetSplit.Val, _ => { });
        EvaluationResult result = evaluator.Run(journal);
        IReadOnlyList<string> pictures = evaluator.DrawExtremes(result, _folder.At("pictures"), most: 2, journal, default);

        Assert.Equal(["accuracy", "mean_f1", "mean_precision", "mean_recall", "top5"], result.Aggregated.Named.Keys.Order());
        Assert.Contains("small/top5", result.Scores.Keys);
        Assert.Equal((36, 12L), (result.Aggregated.ConfusionCounts!.Count, result.Aggregated.ConfusionCounts.Sum()));
        Assert.Equal(6, result.Aggregated.Classes!.Count);
        Assert.Equal(5, pictures.Count);
        using ImageReader reader = new();
        ImageBuffer picture = new();
        foreach (string file in pictures)
            reader.Decode(file, picture);
        ModelExported exported = ModelExporter.Open(
            _training.Config, _training.RunPath, CheckpointChoice.Best, new ExportOptions { Path = _folder.At("a.onnx"), Format = ExportFormat.Onnx }, _ => { }).Run();
        Assert.InRange(exported.LargestDifference!.Value, 0, 1e-4);
    }

    [Fact]
    public void Scores_are_those_of_the_predictions()
    {
        ClassificationTask task = new(Read());
        using Tensor logits = tensor(new float[,]
        {
            { 9, 1, 2, 3, 4, 5 }, // ant, right
            { 9, 8, 1, 1, 1, 1 }, // bee, second
            { 6, 5, 0, 3, 2, 1 }, // cow, last
            { 1, 1, 1, 1, 1, 1 }, // dog, fourth of equals
        });
        using BatchTensors batch = BatchTensors.Of([KeyValuePair.Create("label", tensor(new long[] { 0, 1, 2, 3 }))]);

        IReadOnlyList<SampleResult> samples = task.Score(logits, batch, ["a", "b", "c", "d"]);
        AggregatedScores scores = task.Aggregate(samples);

        Assert.Equal([1, 0, 0, 0], samples.Select(sample => sample.NamedScores["accuracy"]));
        Assert.Equal([1, 1, 0, 1], samples.Select(sample => sample.NamedScores["top5"]));
        Assert.Equal((0.25, 0.75), (scores.Named["accuracy"], scores.Named["top5"]));

        // ant: 1 of 4 predictions right; the others that are there have recall 0; nothing else was predicted.
        Assert.Equal((0.25, 0.25, 0.1), (scores.Named["mean_recall"], scores.Named["mean_precision"], Math.Round(scores.Named["mean_f1"], 6)));
        Assert.Equal([1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], scores.ConfusionCounts!.Take(19));
    }

    [Theory]
    [InlineData("data.crop_size", "data.crop_size=32")]
    [InlineData("data.lists.val", "data.lists.val=x.txt")]
    [InlineData("data.augmentation.resize", "data.augmentation.resize=[32, 32]")]
    [InlineData("criterion.name", "criterion.name=dice")]
    [InlineData("criterion.class_weights", "criterion.weighting=given", "criterion.class_weights=[1, 2]")]
    [InlineData("model.class_names", "model.classes=3")]
    [InlineData("model.class_names", "model.class_names=[a, a]")]
    [InlineData("trainer.best_metric", "model.class_names=[ant, bee]", "trainer.best_metric=top5")]
    [InlineData("trainer.best_metric", "trainer.best_metric=iou")]
    public void Keys_that_do_not_fit_are_named(string key, params string[] settings) =>
        Assert.Contains(Assert.Throws<ConfigurationException>(() => Read(settings)).Errors, error => error.Key == key);

    [Fact]
    public void More_or_other_classes_than_the_folders_are_refused()
    {
        DatasetException others = Assert.Throws<DatasetException>(() => TrainingPlan.Create(Read("model.class_names=[ant, bee]")));
        Assert.EndsWith("cow' is none of the 2 classes; the classes are ant, bee.", others.Message, StringComparison.Ordinal);
        RunException fewer = Assert.Throws<RunException>(() => TrainingPlan.Create(Read() is { } config ? config with { Model = config.Model with { Classes = 9, ClassNames = null } } : null!));
        Assert.Equal("ModelClasses", fewer.ErrorId);
    }

    [Fact]
    public void A_confusion_matrix_has_room_for_its_headers_and_letters_for_its_names()
    {
        ImageBuffer picture = ConfusionPicture.Draw(new AggregatedScores(new Dictionary<string, double>(), null, [1, 0, 0, 1]), new ModelConfig { Classes = 2 })!;
        int left = picture.Width - 8 - StrokeText.WidthOf("predicted".Length);
        Assert.InRange(left, 8 + StrokeText.Height, picture.Width);
        Assert.Contains(Enumerable.Range(8, StrokeText.Height), y => picture.Row(y)[(picture.Width - 9) * 3] < 128 || picture.Row(y)[(picture.Width - 10) * 3] < 128);

        Assert.All("[]{}<>!?&#*'\";|\\~", letter => Assert.NotEqual(Drawn("\u4e2d"), Drawn(letter.ToString())));
        Assert.All("äöüß", letter => Assert.Equal(Drawn(letter.ToString().ToUpperInvariant()), Drawn(letter.ToString())));
        Assert.Equal(5, new[] { "A", "Ä", "O", "Ö", "U" }.Select(letter => Convert.ToHexString(Drawn(letter))).Distinct().Count());
        Assert.Equal(Drawn("E"), Drawn("é"));

        static byte[] Drawn(string letter)
        {
            ImageBuffer image = new();
            image.SetSize(6, StrokeText.Height, 1);
            image.Pixels.Clear();
            StrokeText.Draw(image, letter, 0, 0, (255, 0, 0));
            return image.Pixels.ToArray();
        }
    }

    [Fact]
    public void A_confusion_matrix_of_named_classes_is_drawn_with_names_and_counts()
    {
        ModelConfig model = new() { Classes = 3, ClassNames = ["zebra", "yak", "über-ox"] };
        AggregatedScores scores = new(new Dictionary<string, double>(), null, [90, 5, 5, 0, 12, 0, 1, 1, 8]);
        ImageBuffer picture = ConfusionPicture.Draw(scores, model)!;
        Assert.Equal(3, picture.Channels);
        Assert.InRange(picture.Width, 60, 300);

        // The darkest green is that of the class of which all were right.
        (int Row, int Green)[] cells = [.. Enumerable.Range(0, 3).Select(row => (row, Green: CellOf(row)))];
        Assert.Equal(1, cells.MinBy(cell => cell.Green).Row);
        Assert.Null(ConfusionPicture.Draw(new AggregatedScores(new Dictionary<string, double>()), model));

        int CellOf(int row)
        {
            int cell = StrokeText.WidthOf(2) + 6;
            int left = 8 + StrokeText.Height + 8 + StrokeText.WidthOf("über-ox".Length) + 8;
            return picture.Row(left + (row * cell) + 1)[((left + (row * cell) + 1) * 3) + 0];
        }
    }

    private TrainingConfig Read(params string[] settings) => ConfigurationReader.Read<TrainingConfig>(null,
    [
        "task=classification", $"data.path={_folder.Path}", "data.image_size=16", "model.base_channels=4", "model.stem=small", "threads=1", "seed=3",
        "loader.batch_size=5", "loader.num_workers=1", "trainer.epochs=2", "trainer.log_interval_seconds=0", "optimizer.learning_rate=0.01", .. settings,
    ]);
}
