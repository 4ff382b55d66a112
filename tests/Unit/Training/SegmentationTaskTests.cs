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

namespace RobustTrain.Tests.Training;

/// <summary>Segmentation from the configuration to the picture.</summary>
[Collection(TorchCollection.Name)]
public sealed class SegmentationTaskTests : IDisposable
{
    private const int Side = 24;

    private readonly SmallTraining _training = new();
    private readonly TemporaryFolder _folder = new();

    public SegmentationTaskTests()
    {
        foreach ((string split, int images) in ((string, int)[])[("train", 6), ("val", 4), ("test", 2)])
        {
            for (int image = 0; image < images; image++)
            {
                int edge = 6 + image;
                _folder.Write($"{split}/images/{image}.bmp", TestImage.Grey(Side, Side, (x, y) => x < edge ? 200 : y < edge ? 120 : 30));
                _folder.Write($"{split}/labels/{image}.bmp", TestImage.Grey(Side, Side, (x, y) => x < edge ? 2 : y < edge ? 1 : x + y == 40 ? 255 : 0));
            }
        }
    }

    public void Dispose()
    {
        _training.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_configuration_without_names_has_those_of_the_task()
    {
        TrainingConfig config = Read();
        Assert.Equal(("images-labels", "unet", 64, "mean_iou"), (config.Data.Dataset, config.Model.Name, Read("model.base_channels=64").Model.BaseChannels, config.Trainer.BestMetric));
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("deeplabv3")]
    public void A_training_that_is_stopped_and_goes_on_ends_with_the_bits_of_one_that_was_not(string name)
    {
        using SmallTraining untouched = new();
        untouched.Config = _training.Config = Read($"model.name={name}", "model.dropout=0.2");
        untouched.Data = TrainingPlan.Create(untouched.Config).Data;
        _training.Data = untouched.Data;
        untouched.Run();
        _training.RunSteps(2);
        _training.RunSteps(2);
        _training.Run();
        Assert.Equal(untouched.FinalState(), _training.FinalState());
    }

    [Fact]
    public void It_is_scored_by_class_in_sets_too_and_drawn_with_its_confusion_matrix()
    {
        _folder.Write("dark.txt", "0\n1.bmp\n"u8.ToArray());
        _folder.Write("bright.txt", "2\n3\n"u8.ToArray());
        _training.Config = Read("data.validation_sets.dark=[dark.txt]", "data.validation_sets.bright=[bright.txt]", "trainer.best_metric=dark/mean_iou");
        _training.Data = TrainingPlan.Create(_training.Config).Data;
        MemoryJournal journal = new();
        _training.Run(journal);

        Evaluator evaluator = Evaluator.Open(_training.Config, _training.RunPath, CheckpointChoice.Best, DatasetSplit.Val, _ => { });
        EvaluationResult result = evaluator.Run(journal);
        IReadOnlyList<string> pictures = evaluator.DrawExtremes(result, _folder.At("pictures"), most: 1, journal, default);

        Assert.Equal(3, result.Aggregated.Classes!.Count);
        Assert.Contains("dark/mean_iou", result.Scores.Keys);
        Assert.Contains("bright/accuracy", result.Scores.Keys);

        // The ignored pixels count nowhere.
        Assert.Equal((4 * Side * Side) - Enumerable.Range(0, 4).Sum(IgnoredIn), result.Aggregated.ConfusionCounts!.Sum());
        Assert.Equal(["confusion", "worst-01", "best-01"], pictures.Select(path => Path.GetFileName(path).Split(["-0.", ".png", "-1."], StringSplitOptions.None)[0]));
        using ImageReader reader = new();
        ImageBuffer picture = new();
        reader.Decode(pictures[1], picture);
        Assert.Equal(((3 * Side) + 8, Side), (picture.Width, picture.Height));
        Assert.IsType<PredictionForm.ClassMap>(TaskCatalog.Of(_training.Config).Prediction);

        static int IgnoredIn(int image) => Enumerable.Range(0, Side * Side).Count(at => at % Side >= 6 + image && at / Side >= 6 + image && (at % Side) + (at / Side) == 40);
    }

    [Theory]
    [InlineData("unet")]
    [InlineData("deeplabv3")]
    public void It_can_be_exported_as_ONNX(string name)
    {
        _training.Config = Read($"model.name={name}", "trainer.epochs=1");
        _training.Data = TrainingPlan.Create(_training.Config).Data;
        _training.Run();
        ModelExported exported = ModelExporter.Open(
            _training.Config, _training.RunPath, CheckpointChoice.Best, new ExportOptions { Path = _folder.At("a.onnx"), Format = ExportFormat.Onnx }, _ => { }).Run();
        Assert.InRange(exported.LargestDifference!.Value, 0, 1e-4);
    }

    [Theory]
    [InlineData("criterion.ignore_index", "criterion.ignore_index=2")]
    [InlineData("model.classes", "model.classes=300")]
    [InlineData("model.class_names", "model.class_names=[a, b]")]
    [InlineData("model.evaluation_statistics", "model.evaluation_statistics=image")]
    [InlineData("data.sample_size", "data.sample_size=64")]
    [InlineData("data.changed_crop_share", "data.changed_crop_share=0.5", "data.crop_size=null")]
    [InlineData("criterion.label_smoothing", "criterion.label_smoothing=0.1", "criterion.name=dice")]
    [InlineData("model.name", "model.name=hanet")]
    [InlineData("data.dataset", "data.dataset=change-pairs")]
    public void Keys_that_do_not_fit_are_named(string key, params string[] settings) =>
        Assert.Contains(Assert.Throws<ConfigurationException>(() => Read(settings)).Errors, error => error.Key == key);

    [Fact]
    public void Images_that_the_network_does_not_take_are_refused_before_anything_starts()
    {
        TrainingConfig config = Read("data.crop_size=null");
        RunException small = Assert.Throws<RunException>(() => TrainingPlan.Create(config with { Data = config.Data with { Augmentation = config.Data.Augmentation with { Resize = [24, 15] } } }));
        Assert.Equal("ModelImageSize", small.ErrorId);
        Assert.Contains("each side must have at least 16", small.Message, StringComparison.Ordinal);
        RunException channels = Assert.Throws<RunException>(() => TrainingPlan.Create(config with { Model = config.Model with { InChannels = 1 } }));
        Assert.Equal("ModelChannels", channels.ErrorId);
    }

    private TrainingConfig Read(params string[] settings) => ConfigurationReader.Read<TrainingConfig>(null,
    [
        "task=segmentation", $"data.path={_folder.Path}", "data.crop_size=16", "model.classes=3", "model.base_channels=2", "model.backbone=resnet18", "threads=1", "seed=3",
        "loader.batch_size=2", "loader.num_workers=1", "trainer.epochs=2", "trainer.log_interval_seconds=0", "optimizer.learning_rate=0.01", .. settings,
    ]);
}
