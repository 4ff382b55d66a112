using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Tests.Data;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Training;

/// <summary>Pictures of a few samples after each validation: which, where, and that nothing else changes by them.</summary>
[Collection(TorchCollection.Name)]
public sealed class ValidationPicturesTests : IDisposable
{
    private readonly SmallTraining _training = new();

    public void Dispose() => _training.Dispose();

    [Fact]
    public void The_same_samples_are_drawn_after_each_validation_and_change_no_bit()
    {
        _training.Run();
        string plain = WeightsOf(_training);
        using SmallTraining drawn = With(pictures: 3);
        drawn.Run();

        Assert.Equal(plain, WeightsOf(drawn));
        Assert.False(Directory.Exists(PicturesOf(_training, 0)));
        for (int epoch = 0; epoch < 3; epoch++)
        {
            JsonElement index = IndexOf(drawn, epoch);
            Assert.Equal((epoch, "validation"), (index.GetProperty("epoch").GetInt32(), index.GetProperty("split").GetString()));
            JsonElement[] samples = [.. index.GetProperty("samples").EnumerateArray()];
            Assert.Equal(["square 0", "square 2", "square 4"], samples.Select(sample => sample.GetProperty("name").GetString()));
            Assert.All(samples, sample => Assert.InRange(sample.GetProperty("scores").GetProperty("accuracy").GetDouble(), 0, 1));
            Assert.Equal(
                ["input1=001-input1.png", "input2=001-input2.png", "truth=001-truth.png", "prediction=001-prediction.png", "score=001-score.png"],
                samples[1].GetProperty("pictures").EnumerateObject().Select(picture => $"{picture.Name}={picture.Value}"));
            Assert.Equal(16, Directory.GetFiles(PicturesOf(drawn, epoch)).Length);
            Assert.Equal((16, 16, 3), SizeOf(Path.Combine(PicturesOf(drawn, epoch), "002-truth.png")));
            Assert.Equal((16, 16, 1), SizeOf(Path.Combine(PicturesOf(drawn, epoch), "002-score.png")));
        }

        Assert.Equal(File.ReadAllBytes(Path.Combine(PicturesOf(drawn, 0), "000-truth.png")), File.ReadAllBytes(Path.Combine(PicturesOf(drawn, 2), "000-truth.png")));
    }

    [Fact]
    public void Stopped_and_resumed_a_run_has_the_same_pictures_whatever_an_attempt_left()
    {
        using SmallTraining whole = With(pictures: 2);
        whole.Run();
        using SmallTraining resumed = With(pictures: 2);
        resumed.RunSteps(5);
        string left = Directory.CreateDirectory(PicturesOf(resumed, 1)).FullName;
        File.WriteAllText(Path.Combine(left, "000-truth.png"), "half a picture");
        File.WriteAllText(Path.Combine(left, "index.json"), "{");
        resumed.Run();

        Assert.Equal(whole.FinalState(), resumed.FinalState());
    }

    [Fact]
    public void More_than_there_are_draws_all_and_validation_that_is_not_due_none()
    {
        using SmallTraining training = With(pictures: 100);
        training.Config = training.Config with { Trainer = training.Config.Trainer with { ValidateEvery = 2 } };
        training.Run();

        Assert.False(Directory.Exists(PicturesOf(training, 0)));
        Assert.Equal(6, IndexOf(training, 1).GetProperty("samples").GetArrayLength());
    }

    [Fact]
    public void Tiles_become_their_image_again()
    {
        using TemporaryFolder folder = new();
        foreach ((string split, int count) in new[] { ("train", 4), ("val", 2), ("test", 1) })
        {
            for (int image = 0; image < count; image++)
                folder.Write($"data/{split}/gt/{image}.bmp", TestImage.Coordinates(48, 40, image * 40));
        }

        TrainingConfig config = ConfigurationReader.ReadPartial<TrainingConfig>(path: null,
        [
            "task=super-resolution", $"data.path={folder.At("data")}", "model.scale=2", "model.features=4", "model.blocks=1", "data.crop_size=16", "data.tile_size=32",
            "loader.num_workers=0", "loader.batch_size=2", "trainer.epochs=1", "trainer.validation_pictures=1", "threads=1",
        ]);
        using SmallTraining training = new() { Config = config, Data = RobustTrain.Training.TaskCatalog.Of(config).OpenSplits() };
        training.Run();

        JsonElement sample = Assert.Single(IndexOf(training, 0).GetProperty("samples").EnumerateArray());
        Assert.Equal("0", sample.GetProperty("name").GetString());
        Assert.Equal(["input", "truth", "prediction"], sample.GetProperty("pictures").EnumerateObject().Select(picture => picture.Name));
        Assert.True(sample.GetProperty("scores").TryGetProperty("psnr_y", out _));
        ImageBuffer truth = new();
        using ImageReader reader = new();
        reader.Decode(Path.Combine(PicturesOf(training, 0), "000-truth.png"), truth);
        ImageBuffer original = new();
        reader.Decode(folder.At("data/val/gt/0.bmp"), original);
        Assert.Equal((48, 40), (truth.Width, truth.Height));
        Assert.Equal(original.Pixels.ToArray(), truth.Pixels.ToArray());
    }

    private static SmallTraining With(int pictures)
    {
        SmallTraining training = new();
        training.Config = training.Config with { Trainer = training.Config.Trainer with { ValidationPictures = pictures } };
        return training;
    }

    private static string PicturesOf(SmallTraining training, int epoch) => Path.Combine(RunFolder.EpochFolderOf(training.RunPath, epoch), "pictures");

    private static JsonElement IndexOf(SmallTraining training, int epoch) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(PicturesOf(training, epoch), "index.json"))).RootElement;

    private static string WeightsOf(SmallTraining training) => training.Checkpoints.List()[0].Manifest.Files[Checkpoint.WeightsFile].Sha256!;

    private static (int Width, int Height, int Channels) SizeOf(string file)
    {
        using ImageReader reader = new();
        ImageInfo info = reader.Probe(file);
        return (info.Width, info.Height, info.Channels);
    }
}
