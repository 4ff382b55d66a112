using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;

namespace RobustTrain.Tests.Data;

public sealed class ChangePairsDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Splits_follow_the_names_prefixes()
    {
        Write("train_1", "train_2", "val_1", "test_1", "other");
        Assert.Equal(["train_1", "train_2"], Names(DatasetSplit.Train));
        Assert.Equal(["val_1"], Names(DatasetSplit.Val));
        Assert.Equal(["test_1"], Names(DatasetSplit.Test));
    }

    [Fact]
    public void Splits_follow_lists_where_there_are_any()
    {
        Write("a", "b", "c");
        File.WriteAllText(_folder.File("train.txt"), "c.bmp\n\na.bmp\n");
        File.WriteAllText(_folder.File("test.txt"), "b\n");
        ChangePairsOptions options = Options() with { TrainList = "train.txt", TestList = "test.txt" };
        Assert.Equal(["c", "a"], Names(options));
        Assert.Equal(["b"], Names(options with { Split = DatasetSplit.Test }));
        Assert.Empty(Names(options with { Split = DatasetSplit.Val }));
    }

    [Fact]
    public void A_sample_holds_both_images_normalised_and_the_classes()
    {
        Write("train_1");
        ChangePairsOptions options = Options() with { Mean = [0.5, 0.25, 0], Std = [0.5, 0.25, 1] };
        using ChangePairsDataset dataset = new(options);
        LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
        const int plane = 20 * 16;
        for (int y = 0; y < 16; y++)
        {
            for (int x = 0; x < 20; x++)
            {
                int pixel = (y * 20) + x;
                Assert.Equal(((x / 255.0) - 0.5) / 0.5, sample.Image1[pixel], 5);
                Assert.Equal(((y / 255.0) - 0.25) / 0.25, sample.Image1[plane + pixel], 5);
                Assert.Equal(10 / 255.0, sample.Image1[(2 * plane) + pixel], 5);
                Assert.Equal(200 / 255.0, sample.Image2[(2 * plane) + pixel], 5);
                Assert.Equal(x > y ? 1 : 0, sample.Label[pixel]);
            }
        }

        Assert.Equal([136 + 0, 20 * 16 - 136], dataset.CountClasses().Select(count => (int)count));
    }

    [Property(MaxTest = 200)]
    public Property Geometry_is_the_same_for_both_images_and_the_label(NonNegativeInt epoch) => Prop.ForAll(
        Gen.Elements(true, false).ToArbitrary(),
        crop =>
        {
            if (!Directory.Exists(_folder.File("A")))
                Write("train_1");
            using ChangePairsDataset dataset = new(Options() with
            {
                CropSize = crop ? 9 : null,
                Mean = [0, 0, 0],
                Std = [1, 1, 1],
                Augmentation = new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5 },
            });
            LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(1, epoch.Get, 0));
            int plane = sample.Label.Length;
            HashSet<(int, int)> seen = [];
            for (int pixel = 0; pixel < plane; pixel++)
            {
                (int x, int y) = Place(sample.Image1, pixel, plane);
                Assert.Equal((x, y), Place(sample.Image2, pixel, plane));
                Assert.Equal(x > y ? 1 : 0, sample.Label[pixel]);
                Assert.True(seen.Add((x, y)));
            }

            // Neighbours stay neighbours: what was cut out is a square of the image, in one of eight positions.
            int width = dataset.Fields[2].Shape[1];
            for (int pixel = 0; pixel < plane - 1; pixel++)
            {
                if ((pixel + 1) % width == 0)
                    continue;
                (int x, int y) = Place(sample.Image1, pixel, plane);
                (int nextX, int nextY) = Place(sample.Image1, pixel + 1, plane);
                Assert.Equal(1, Math.Abs(nextX - x) + Math.Abs(nextY - y));
            }
        });

    [Fact]
    public void All_eight_positions_occur()
    {
        Write("train_1");
        using ChangePairsDataset dataset = new(Options() with
        {
            CropSize = 2,
            Mean = [0, 0, 0],
            Std = [1, 1, 1],
            Augmentation = new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5 },
        });
        HashSet<(int, int, int, int)> positions = [];
        for (int epoch = 0; epoch < 200; epoch++)
        {
            LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(1, epoch, 0));
            (int x0, int y0) = Place(sample.Image1, 0, 4);
            (int x1, int y1) = Place(sample.Image1, 1, 4);
            (int x2, int y2) = Place(sample.Image1, 2, 4);
            positions.Add((x1 - x0, y1 - y0, x2 - x0, y2 - y0));
        }

        Assert.Equal(8, positions.Count);
    }

    [Fact]
    public void Only_training_samples_vary()
    {
        Write("train_1", "val_1");
        AugmentationOptions varied = new() { Rotate = true, HorizontalFlip = 1, Brightness = 0.5, Hue = 0.5 };
        using ChangePairsDataset dataset = new(Options() with { Split = DatasetSplit.Val, CropSize = 5, Augmentation = varied });
        LoadedSample first = LoadedSample.Of(dataset, new SampleKey(1, 0, 0));
        Assert.Equal(first.Image1, LoadedSample.Of(dataset, new SampleKey(2, 7, 0)).Image1);
        Assert.Equal([16, 20], dataset.Fields[2].Shape);
    }

    [Fact]
    public void Images_are_resized_bilinearly_and_labels_to_the_nearest()
    {
        Write("train_1");
        using ChangePairsDataset dataset = new(Options() with { Mean = [0, 0, 0], Std = [1, 1, 1], Augmentation = new AugmentationOptions { Resize = (40, 32) } });
        LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
        Assert.Equal([32, 40], dataset.Fields[2].Shape);
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 40; x++)
            {
                double column = Math.Clamp(((x + 0.5) / 2) - 0.5, 0, 19);
                Assert.InRange((sample.Image1[(y * 40) + x] * 255) - column, -0.51, 0.51);
                Assert.Equal(x / 2 > y / 2 ? 1 : 0, sample.Label[(y * 40) + x]);
            }
        }
    }

    [Fact]
    public void Class_numbers_and_the_ignored_value_pass()
    {
        Write("train_1");
        _folder.Write("label/train_1.bmp", TestImage.Grey(20, 16, (x, _) => x < 3 ? x : 255));
        using ChangePairsDataset dataset = new(Options() with { Classes = 3 });
        LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
        Assert.Equal([0, 1, 2, 255], sample.Label[..4]);
        Assert.Equal([16, 16, 16], dataset.CountClasses());
    }

    [Fact]
    public void A_label_beyond_the_classes_is_an_error_that_names_file_and_value()
    {
        Write("train_1");
        string file = _folder.Write("label/train_1.bmp", TestImage.Grey(20, 16, (x, _) => x == 7 ? 9 : 0));
        using ChangePairsDataset dataset = new(Options());
        SampleException error = Assert.Throws<SampleException>(() => LoadedSample.Of(dataset, new SampleKey(0, 0, 0)));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.Contains("value 9", error.Message, StringComparison.Ordinal);
        Assert.Throws<SampleException>(() => dataset.CountClasses());
    }

    [Fact]
    public void A_mask_that_mixes_1_and_255_is_an_error()
    {
        Write("train_1");
        _folder.Write("label/train_1.bmp", TestImage.Grey(20, 16, (x, _) => x == 7 ? 1 : 255));
        using ChangePairsDataset dataset = new(Options());
        Assert.Contains("both 1 and 255", Assert.Throws<SampleException>(() => LoadedSample.Of(dataset, new SampleKey(0, 0, 0))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_coloured_label_is_an_error()
    {
        Write("train_1");
        _folder.Write("label/train_1.bmp", TestImage.Coordinates(20, 16, 3));
        using ChangePairsDataset dataset = new(Options());
        Assert.Contains("has colours", Assert.Throws<SampleException>(() => LoadedSample.Of(dataset, new SampleKey(0, 0, 0))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("B")]
    [InlineData("label")]
    public void A_missing_partner_is_found_on_opening(string folder)
    {
        Write("train_1", "train_2");
        File.Delete(_folder.File($"{folder}/train_2.bmp"));
        string message = FailureOf(Options());
        Assert.Contains("'train_2'", message, StringComparison.Ordinal);
        Assert.Contains(folder, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("B")]
    [InlineData("label")]
    public void A_missing_folder_is_found_on_opening(string folder)
    {
        Write("train_1");
        Directory.Delete(_folder.File(folder), recursive: true);
        Assert.Contains($"no folder '{folder}'", FailureOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void Partners_of_different_sizes_are_found_on_opening()
    {
        Write("train_1");
        _folder.Write("B/train_1.bmp", TestImage.Coordinates(20, 17, 3));
        string message = FailureOf(Options());
        Assert.Contains("20x17", message, StringComparison.Ordinal);
        Assert.Contains("20x16", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_image_is_found_on_opening()
    {
        Write("train_1");
        _folder.Write("B/train_1.bmp", "nothing"u8.ToArray());
        Assert.Contains("is not an image", FailureOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_images_of_different_sizes_need_a_crop_or_a_resize()
    {
        Write("train_1");
        _folder.Write("A/train_2.bmp", TestImage.Coordinates(30, 30, 3));
        _folder.Write("B/train_2.bmp", TestImage.Coordinates(30, 30, 3));
        _folder.Write("label/train_2.bmp", TestImage.Grey(30, 30, (_, _) => 0));
        Assert.Contains("different sizes", FailureOf(Options()), StringComparison.Ordinal);
        Assert.Equal(2, Names(Options() with { CropSize = 8 }).Count);
        Assert.Equal(2, Names(Options() with { Augmentation = new AugmentationOptions { Resize = (16, 16) } }).Count);
    }

    [Fact]
    public void Images_smaller_than_the_crop_are_found_on_opening()
    {
        Write("train_1");
        Assert.Contains("smaller than the crop of 17", FailureOf(Options() with { CropSize = 17 }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_that_is_missing_empty_or_wrong_is_found_on_opening()
    {
        Write("a");
        Assert.Contains("does not exist", FailureOf(Options() with { TrainList = "no.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("list.txt"), "\n");
        Assert.Contains("is empty", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("list.txt"), "a\nb.bmp\n");
        Assert.Contains("'b.bmp', line 2", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("list.txt"), "a\na.bmp\n");
        Assert.Contains("twice", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("list.txt"), "a\n");
        Assert.Contains("none for the training split", FailureOf(Options() with { TestList = "list.txt" }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_missing_empty_or_a_file_is_a_sentence()
    {
        Assert.Contains("does not exist", FailureOf(Options() with { Path = _folder.File("no") }), StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.File("empty"));
        Assert.Contains("is empty", FailureOf(Options() with { Path = _folder.File("empty") }), StringComparison.Ordinal);
        string file = _folder.Write("file", [1]);
        Assert.Contains("is a file", FailureOf(Options() with { Path = file }), StringComparison.Ordinal);
        Assert.Contains("not given", FailureOf(Options() with { Path = "" }), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_training_pairs_the_prefixes_are_explained()
    {
        Write("a", "b");
        Assert.Contains("train_", FailureOf(Options()), StringComparison.Ordinal);
    }

    private static (int X, int Y) Place(float[] image, int pixel, int plane) =>
        ((int)MathF.Round(image[pixel] * 255), (int)MathF.Round(image[plane + pixel] * 255));

    private ChangePairsOptions Options() => new() { Path = _folder.Path, Split = DatasetSplit.Train };

    private IReadOnlyList<string> Names(DatasetSplit split) => Names(Options() with { Split = split });

    private static IReadOnlyList<string> Names(ChangePairsOptions options)
    {
        using ChangePairsDataset dataset = new(options);
        return [.. Enumerable.Range(0, dataset.Count).Select(dataset.NameOf)];
    }

    private static string FailureOf(ChangePairsOptions options)
    {
        string message = Assert.Throws<DatasetException>(() => new ChangePairsDataset(options)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private void Write(params string[] names)
    {
        foreach (string name in names)
        {
            _folder.Write($"A/{name}.bmp", TestImage.Coordinates(20, 16, 10));
            _folder.Write($"B/{name}.bmp", TestImage.Coordinates(20, 16, 200));
            _folder.Write($"label/{name}.bmp", TestImage.Grey(20, 16, (x, y) => x > y ? 255 : 0));
        }
    }
}
