using System.Globalization;
using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.SampleData;
using RobustTrain.Tests.Data;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using TorchSharp;

namespace RobustTrain.Tests.Training;

/// <summary>Super-resolution from its configuration to its scores, on images of a few pixels.</summary>
[Collection(TorchCollection.Name)]
public sealed class SuperResolutionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SuperResolutionTests()
    {
        foreach ((string split, int count) in new[] { ("train", 6), ("val", 2), ("test", 3) })
        {
            for (int image = 0; image < count; image++)
                _folder.Write($"data/{split}/gt/{image}.bmp", TestImage.Coordinates(48, 40, image * 40));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_not_given_suits_the_task()
    {
        TrainingConfig config = Read();

        Assert.Equal(("paired-images", "l1", "psnr_y"), (config.Data.Dataset, config.Criterion.Name, config.Trainer.BestMetric));
        Assert.Equal([0.0, 0, 0], config.Data.Mean);
        Assert.Equal([1.0, 1, 1], config.Data.Std);
    }

    [Theory]
    [InlineData("data.crop_size=33", "'data.crop_size' is 33, but 'model.scale' is 2, by which it must divide.")]
    [InlineData("data.mean=[0.5, 0, 0]", "each value must be 0")]
    [InlineData("data.augmentation.brightness=0.2", "only flips and rotates")]
    [InlineData("data.degradation.first.blur_sigma=[3, 1]", "'data.degradation.first.blur_sigma' goes from 3 to 1, but must begin with the lower.")]
    [InlineData("data.degradation.jpeg_range=[30, 90]", "only bicubic takes it")]
    [InlineData("trainer.best_metric=f1", "it must be one of psnr_y, ssim_y, psnr, ssim")]
    [InlineData("data.augmentation.use_hflip=true", "set data.augmentation.horizontal_flip: 0.5")]
    public void What_does_not_fit_the_task_is_refused(string setting, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigurationException>(() => Read(setting)).Message, StringComparison.Ordinal);

    [Fact]
    public void Names_of_traiNNer_are_understood_where_they_mean_the_same()
    {
        TrainingConfig config = Read("data.gt_size=24", "data.augmentation.use_rot=true", "data.dataroot_gt.train=HR", "data.meta_info.val=val.txt", "data.degradation.first.sinc_prob=0.4", "data.degradation.final_sinc_prob=0.2");

        Assert.Equal((24, true, "HR", "val.txt"), (config.Data.CropSize!.Value, config.Data.Augmentation.Rotate, config.Data.GtFolders.Train, config.Data.Lists.Val));
        Assert.Equal((0.4, 0.2), (config.Data.Degradation.First.SincProbability, config.Data.Degradation.FinalSincProbability));
    }

    [Fact]
    public void A_network_of_another_scale_than_the_data_is_refused_with_both()
    {
        for (int image = 0; image < 6; image++)
            _folder.Write($"data/train/lq/{image}.bmp", TestImage.Coordinates(24, 20, 0));

        string message = Assert.Throws<DatasetException>(() => TrainingPlan.Create(Read("model.scale=4"))).Message;

        Assert.Contains("is 48x40 pixels", message, StringComparison.Ordinal);
        Assert.Contains("is 24x20; expected 96x80, 4 times as large (model.scale)", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stopped_in_an_epoch_a_training_ends_with_the_same_bits_and_its_test_has_the_scores()
    {
        TrainingConfig config = Read("data.degradation.name=first-order");
        string untouched = _folder.At("untouched");
        string stopped = _folder.At("stopped");

        Assert.Equal(ExitCode.Finished, Train(config, untouched, stopAfter: null));
        Assert.Equal(ExitCode.Stopped, Train(config, stopped, stopAfter: 2));
        Assert.Equal(ExitCode.Finished, Train(config, stopped, stopAfter: null));

        Assert.Equal(WeightsOf(untouched), WeightsOf(stopped));
        Assert.Equal(File.ReadAllText(Path.Combine(untouched, "test.json")), File.ReadAllText(Path.Combine(stopped, "test.json")));
        JsonElement test = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(untouched, "test.json"))).RootElement;
        Assert.Equal(["psnr", "psnr_y", "ssim", "ssim_y"], test.GetProperty("aggregated").EnumerateObject().Select(score => score.Name).Order());
        Assert.Equal(3, test.GetProperty("datapoints").GetArrayLength());
    }

    [Fact]
    public void A_checkpoint_is_scored_beside_bicubic_interpolation_and_drawn()
    {
        TrainingConfig config = Read("data.tile_size=32");
        string run = _folder.At("run");
        Train(config, run, stopAfter: null);
        Evaluator evaluator = Evaluator.Open(config, run, CheckpointChoice.Best, DatasetSplit.Test, _ => { });

        EvaluationResult result = evaluator.Run(new MemoryJournal());
        IReadOnlyList<string> pictures = evaluator.DrawExtremes(result, _folder.At("pictures"), most: 2, new MemoryJournal(), CancellationToken.None);

        Assert.Equal(3 * 4, result.Samples.Count);
        double best = result.Samples.Max(sample => sample.NamedScores["psnr_y"]);
        double worst = result.Samples.Min(sample => sample.NamedScores["psnr_y"]);
        Assert.InRange(result.Scores["psnr_y"], worst, best);
        Assert.True(BicubicBaseline.AppliesTo(evaluator.Dataset));
        Assert.InRange(BicubicBaseline.MeasurePsnrY(evaluator.Dataset), 20, 100);
        using ImageReader reader = new();
        ImageBuffer picture = new();
        Assert.Equal(4, pictures.Count);
        reader.Decode(pictures[0], picture);
        Assert.Equal((3 * 32 + 8, 32), (picture.Width, picture.Height));
    }

    [Fact]
    public void A_checkpoint_of_another_size_is_named_as_such_and_one_without_sizes_is_read()
    {
        TrainingConfig config = Read();
        string run = _folder.At("run");
        Train(config, run, stopAfter: null);

        Assert.EndsWith(
            "is of another model: it holds srvggnet-compact (features 4, blocks 1), but the configuration asks for srvggnet-compact (features 64, blocks 2).",
            Assert.Throws<CheckpointException>(() => Open(config with { Model = config.Model with { Features = null, Blocks = 2 } })).Message, StringComparison.Ordinal);
        Assert.Contains("it holds srvggnet-compact (scale 2), but", Assert.Throws<CheckpointException>(() => Open(config with { Model = config.Model with { Scale = 4 } })).Message, StringComparison.Ordinal);

        // As they were before the sizes stood in them.
        foreach (string manifest in Directory.GetFiles(run, "manifest.json", SearchOption.AllDirectories))
            File.WriteAllLines(manifest, File.ReadAllLines(manifest).Where(line => !line.Contains("\"scale\":") && !line.Contains("\"features\":") && !line.Contains("\"blocks\":")).Select(line => line.Replace("\"base_channels\": 16,", "\"base_channels\": 16")));
        Open(config).Run(new MemoryJournal());

        Evaluator Open(TrainingConfig other) => Evaluator.Open(other, run, CheckpointChoice.Best, DatasetSplit.Test, _ => { });
    }

    [Fact]
    public void Tiles_count_as_one_image_by_their_pixels()
    {
        ITrainingTask task = TaskCatalog.Of(Read());
        using torch.Tensor truth = torch.zeros(3, 3, 16, 16);
        using torch.Tensor output = torch.tensor([0.1f, 0.3f, 0.5f]).reshape(3, 1, 1, 1).expand(3, 3, 16, 16).contiguous();
        using BatchTensors batch = BatchTensors.Of([KeyValuePair.Create("gt", truth)]);

        AggregatedScores scores = task.Aggregate(task.Score(output, batch, ["a@0,0", "a@16,0", "b"]));

        // Rounded to 8 bits: 26 (0.1 x 255 = 25.5 goes to the even), 76 and 128.
        double first = 10 * Math.Log10(255.0 * 255 / (((26.0 * 26) + (76.0 * 76)) / 2));
        double second = 10 * Math.Log10(255.0 * 255 / (128.0 * 128));
        Assert.Equal((first + second) / 2, scores.Named["psnr"], 0.05);
    }

    [Fact]
    public void Sample_data_is_the_same_for_a_seed_and_can_be_trained_on()
    {
        string one = Make(3, "one");
        string again = Make(3, "again");
        string other = Make(4, "other");

        Assert.Equal(66, Directory.EnumerateFiles(one, "*.png", SearchOption.AllDirectories).Count());
        byte[] image = File.ReadAllBytes(Path.Combine(one, "train", "gt", "001.png"));
        Assert.Equal(image, File.ReadAllBytes(Path.Combine(again, "train", "gt", "001.png")));
        Assert.NotEqual(image, File.ReadAllBytes(Path.Combine(other, "train", "gt", "001.png")));
        IDataset test = TaskCatalog.OpenDataset(Read($"data.path={one}"), DatasetSplit.Test);
        Assert.InRange(BicubicBaseline.MeasurePsnrY(test), 18, 32);

        string Make(long seed, string name)
        {
            SampleDatasetGenerator.Write(new SampleDatasetOptions { Path = _folder.At(name), Task = "super-resolution", Seed = seed });
            return _folder.At(name);
        }
    }

    private static ExitCode Train(TrainingConfig config, string path, int? stopAfter)
    {
        TrainingPlan plan = TrainingPlan.Create(config);
        using RunFolder run = RunFolder.Open(path, config, ResumeMode.Auto, RunVersions.Current());
        using TrainingControl control = new();
        int done = 0;
        MemoryJournal journal = new(happened =>
        {
            if (happened is RobustTrain.Runs.Events.StepFinished && ++done == stopAfter)
                control.RequestStop();
        });
        return new Trainer(plan, run, journal).Run(control).ExitCode;
    }

    private static string WeightsOf(string run)
    {
        Checkpoint latest = new CheckpointStore(RunFolder.CheckpointsPathOf(run)).List()[0];
        return string.Join(' ', latest.Manifest.Files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Key}:{file.Value.Sha256}"));
    }

    private TrainingConfig Read(params string[] settings) => ConfigurationReader.Read<TrainingConfig>(
        null,
        [
            "task=super-resolution", string.Create(CultureInfo.InvariantCulture, $"data.path={_folder.At("data")}"), "model.scale=2", "model.features=4", "model.blocks=1", "data.crop_size=16",
            "loader.batch_size=2", "loader.num_workers=2", "trainer.epochs=2", "trainer.log_interval_seconds=0", "threads=1", .. settings,
        ]);
}
