using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets.InputImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class PredictorTests : IDisposable
{
    private static readonly TrainingConfig s_config = new() { Task = "change-detection", Threads = 1, Data = new DataConfig { Mean = [0, 0, 0], Std = [1, 1, 1] }, Trainer = new TrainerConfig { LogIntervalSeconds = 0 } };
    private static readonly FakeTask s_enlarging = new(new PredictionForm.Image(3), () => nn.Sequential(nn.Conv2d(3, 27, 3, padding: 1), nn.PixelShuffle(3)));
    private static readonly FakeTask s_segmenting = new(new PredictionForm.ClassMap(4), () => nn.Conv2d(3, 4, 1));
    private static readonly FakeTask s_labelling = new(new PredictionForm.Label(["cat", "a \"dog\", or two", "bird"]), () => nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)));

    private readonly TemporaryFolder _folder = new();
    private readonly MemoryJournal _journal = new();

    public PredictorTests()
    {
        Write("in/one.bmp", 40, 24, seed: 1);
        Write("in/deeper/two.bmp", 150, 90, seed: 2);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_image_is_enlarged_by_tiles_to_what_the_network_makes_of_it_whole()
    {
        using nn.Module model = s_enlarging.CreateModel(seed: 0);
        Predict(s_enlarging, new() { Sources = [new(_folder.At("in"), null)], OutputPath = _folder.At("out"), TileSize = 64, Overlap = 16 });

        ImagePredicted[] made = [.. _journal.Of<ImagePredicted>()];
        Assert.Equal([(150, 90, 450, 270), (40, 24, 120, 72)], made.Select(one => (one.Width, one.Height, one.ResultWidth, one.ResultHeight)));
        Assert.Equal([_folder.At("out/deeper/two.png"), _folder.At("out/one.png")], made.Select(one => one.ResultPath));
        foreach (ImagePredicted one in made)
        {
            byte[] expected = Enlarged(model, one.Image);
            ImageBuffer result = Read(one.ResultPath);
            Assert.Equal((one.ResultWidth, one.ResultHeight, 3), (result.Width, result.Height, result.Channels));
            // Within an overlap a tile's edge sees no neighbours, which the blending hides, but not to the last bit.
            Assert.True(result.Pixels.ToArray().Zip(expected).Count(pixel => Math.Abs(pixel.First - pixel.Second) > 2) <= expected.Length / 100);
        }
    }

    [Fact]
    public void A_network_of_grey_images_writes_grey_and_one_that_gives_NaN_is_refused()
    {
        FakeTask grey = new(new PredictionForm.Image(2), () => nn.Sequential(nn.Conv2d(3, 4, 1), nn.PixelShuffle(2)));
        Predict(grey, new() { Sources = [new(_folder.At("in/one.bmp"), null)], OutputPath = _folder.At("out") });
        Assert.Equal(1, Read(_folder.At("out/one.png")).Channels);

        FakeTask broken = new(new PredictionForm.Image(1), () =>
        {
            nn.Module<Tensor, Tensor> network = nn.Conv2d(3, 3, 1);
            foreach (TorchSharp.Modules.Parameter parameter in network.parameters())
                nn.init.constant_(parameter, double.NaN);
            return network;
        });
        RunException refused = Assert.Throws<RunException>(() => Predict(broken, new() { Sources = [new(_folder.At("in"), null)], OutputPath = _folder.At("bad") }));
        Assert.Equal((ExitCode.Numeric, "PredictionNotFinite"), (refused.ExitCode, refused.ErrorId));
        Assert.Contains("NaN for the image", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Files("bad"));
    }

    [Fact]
    public void A_map_of_classes_has_a_palette_and_says_how_much_there_is_of_each_class()
    {
        Predict(s_segmenting, new() { Sources = [new(_folder.At("in/one.bmp"), null)], OutputPath = _folder.At("out"), WithScores = true });

        PredictionMade made = Assert.Single(_journal.Of<PredictionMade>());
        Assert.Equal(["one.png", "one.score.png"], Files("out"));
        Assert.Null(made.Image2);
        using ImageReader reader = new();
        ImageBuffer map = new();
        reader.Decode(made.MapPath, map, keepIndices: true);
        byte[] classes = map.Pixels.ToArray();
        Assert.Equal(Enumerable.Range(0, 4).Select(index => classes.Count(value => value == index) / (double)classes.Length), made.ClassShares!);
        Assert.Equal(made.MeanConfidence, Read(made.ScorePath!).Pixels.ToArray().Average(value => value / 255.0), 3e-3);
    }

    [Fact]
    public void An_image_gets_its_likeliest_labels_and_no_file_unless_a_table_is_asked_for()
    {
        PredictionOptions options = new() { Sources = [new(_folder.At("in"), null)], Top = 2 };
        Predict(s_labelling, options);

        LabelPredicted[] told = [.. _journal.Of<LabelPredicted>()];
        Assert.Equal([_folder.At("in/deeper/two.bmp"), _folder.At("in/one.bmp")], told.Select(one => one.Image));
        Assert.All(told, one => Assert.True(one.Top is [var first, var second] && first.Probability >= second.Probability && first.Probability + second.Probability is > 0.6 and <= 1.00001));
        Assert.Equal(["deeper/two.bmp", "one.bmp"], Files("in"));
        Assert.Equal(["checkpoint", "in"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());

        Predict(s_labelling, options with { OutputPath = _folder.At("tables/labels.csv") });
        string[] lines = File.ReadAllLines(_folder.At("tables/labels.csv"));
        Assert.Equal("image,label,probability,label_2,probability_2", lines[0]);
        Assert.Equal(2, lines.Length - 1);
        Assert.StartsWith($"{_folder.At("in/deeper/two.bmp")},", lines[1], StringComparison.Ordinal);
        Assert.Contains(lines.Skip(1), line => line.Contains("\"a \"\"dog\"\", or two\"", StringComparison.Ordinal) || line.Contains("cat", StringComparison.Ordinal));
        RunException there = Assert.Throws<RunException>(() => Predict(s_labelling, options with { OutputPath = _folder.At("tables/labels.csv") }));
        Assert.Equal($"The file '{_folder.At("tables/labels.csv")}' is there already; --force overwrites it.", there.Message);
    }

    [Fact]
    public void An_image_is_brought_to_the_size_that_its_network_was_evaluated_with()
    {
        ImageBuffer square = new();
        new SquareResizer().Resize(Read(_folder.At("in/deeper/two.bmp")), PixelSquare.Central(150, 90), square, 32);
        File.WriteAllBytes(_folder.At("square.bmp"), BmpEncoder.Encode(square));
        FakeTask sized = new(new PredictionForm.Label(["a", "b", "c"]), () => nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), imageSide: 32);

        Predict(sized, new() { Sources = [new(_folder.At("in/deeper/two.bmp"), null), new(_folder.At("square.bmp"), null)] });

        LabelPredicted[] told = [.. _journal.Of<LabelPredicted>()];
        Assert.Equal([(150, 90), (32, 32)], told.Select(one => (one.Width, one.Height)));
        Assert.Equal(told[1].Top, told[0].Top);
    }

    [Fact]
    public void An_image_that_is_damaged_is_left_out_and_the_others_are_predicted()
    {
        using (FileStream file = File.OpenWrite(_folder.At("in/deeper/two.bmp")))
            file.SetLength(file.Length / 2);

        Assert.Equal((1, 1), Predict(s_enlarging, new() { Sources = [new(_folder.At("in"), null)], OutputPath = _folder.At("out") }));
        PredictionFailed failed = Assert.Single(_journal.Of<PredictionFailed>());
        Assert.Equal((_folder.At("in/deeper/two.bmp"), null, "image"), (failed.Target, failed.Image2, failed.InputName));
        Assert.Equal(["one.png"], Files("out"));
    }

    [Fact]
    public void What_does_not_suit_the_network_is_refused_in_a_sentence()
    {
        (FakeTask Task, PredictionOptions Options, string Said)[] cases =
        [
            (s_enlarging, new() { Sources = [new("a.png", "b.png")], OutputPath = "out" }, "takes one image at a time, but 'a.png' and 'b.png' are given as a pair; expected images, or folders of them, by --images."),
            (s_enlarging, new() { Sources = [new(_folder.At("in"), null)] }, "gives an image for each input, but --output, the folder of the results, is not given."),
            (s_enlarging, new() { Sources = [new(_folder.At("in"), null)], OutputPath = "out", WithScores = true }, "--probability is given, but the network of"),
            (s_segmenting, new() { Sources = [new(_folder.At("in"), null)], OutputPath = "out", Top = 3 }, "--top is given, but the network of"),
            (s_labelling, new() { Sources = [new(_folder.At("in"), null)], TileSize = 64 }, "gives a label, for which it means nothing; leave it out."),
            (s_labelling, new() { Sources = [new(_folder.At("in"), null)], OutputPath = _folder.At("in") }, "is a folder; the network of"),
            (s_enlarging, new() { Sources = [new(_folder.At("in/one.bmp"), null), new(_folder.At("in/one.bmp"), null)], OutputPath = "out" }, "would both be"),
        ];
        foreach ((FakeTask task, PredictionOptions options, string said) in cases)
            Assert.Contains(said, Assert.Throws<RunException>(() => Predict(task, options)).Message, StringComparison.Ordinal);
        Assert.Contains("There is no image or folder", Assert.Throws<RobustTrain.Data.DatasetException>(() => Predict(s_enlarging, new() { Sources = [new(_folder.At("none"), null)], OutputPath = "out" })).Message, StringComparison.Ordinal);
    }

    private (int Made, int Failed) Predict(FakeTask task, PredictionOptions options)
    {
        using nn.Module model = task.CreateModel(seed: 0);
        CheckpointDraft draft = new();
        new WeightsState(model).Save(draft);
        string store = _folder.At("checkpoint", Guid.NewGuid().ToString("N"));
        Checkpoint checkpoint = new CheckpointStore(store).Write(draft, new CheckpointLabel(TrainingCursor.Start, 0, null, false), ModelIdentity.Of(s_config.Model, []), "run", DateTimeOffset.UnixEpoch);
        return Predictor.Open(s_config, task, checkpoint.Path, CheckpointChoice.Best, options, _journal.Write).Run(_journal, CancellationToken.None, TimeProvider.System);
    }

    private byte[] Enlarged(nn.Module model, string file)
    {
        ImageBuffer image = Read(file);
        using var noGrad = no_grad();
        using Tensor values = tensor(image.Pixels.ToArray(), [image.Height, image.Width, 3]).permute(2, 0, 1).to_type(ScalarType.Float32).unsqueeze(0) / 255;
        using Tensor enlarged = (((nn.Module<Tensor, Tensor>)model).call(values).clamp(0, 1) * 255).round()[0].permute(1, 2, 0).contiguous().to_type(ScalarType.Byte);
        return enlarged.bytes.ToArray();
    }

    private string[] Files(string folder) => Directory.Exists(_folder.At(folder))
        ? [.. Directory.EnumerateFiles(_folder.At(folder), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(_folder.At(folder), file).Replace('\\', '/')).Order(StringComparer.Ordinal)]
        : [];

    private static ImageBuffer Read(string file)
    {
        using ImageReader reader = new();
        ImageBuffer image = new();
        reader.Decode(file, image);
        return image;
    }

    private void Write(string file, int width, int height, int seed)
    {
        ImageBuffer image = new();
        image.SetSize(width, height, 3);
        new Random(seed).NextBytes(image.Pixels);
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.At(file))!);
        File.WriteAllBytes(_folder.At(file), BmpEncoder.Encode(image));
    }
}
