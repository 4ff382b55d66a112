using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.SampleData;

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
        File.WriteAllText(_folder.At("train.txt"), "c.bmp\n\na.bmp\n");
        File.WriteAllText(_folder.At("test.txt"), "b\n");
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
            if (!Directory.Exists(_folder.At("A")))
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
        using ChangePairsDataset dataset = new(Options() with { Mean = [0, 0, 0], Std = [1, 1, 1], Augmentation = new AugmentationOptions { Resize = [32, 40] } });
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
    public void Of_two_classes_another_value_than_255_can_be_ignored()
    {
        Write("train_1");
        _folder.Write("label/train_1.bmp", TestImage.Grey(20, 16, (x, _) => x switch { 0 => 0, 1 => 254, _ => 255 }));
        using ChangePairsDataset dataset = new(Options() with { IgnoreIndex = 254 });
        LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
        Assert.Equal([0, 254, 1], sample.Label[..3]);
        Assert.Equal([16, 18 * 16], dataset.CountClasses());
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
    [InlineData(8)]
    [InlineData(1)]
    public void A_label_with_a_palette_of_greys_has_those_however_they_are_numbered(int depth)
    {
        Write("train_1");
        foreach ((byte[] palette, int expected) in ((byte[], int)[])[([255, 255, 255, 0, 0, 0], 1), ([0, 0, 0, 255, 255, 255], 0), ([1, 1, 1, 0, 0, 0], 1)])
        {
            WriteLabel("train_1", depth, palette);
            using ChangePairsDataset dataset = new(Options());
            Assert.Equal([expected, 1 - expected], LoadedSample.Of(dataset, new SampleKey(0, 0, 0)).Label[..2]);
        }
    }

    [Theory]
    [InlineData(DatasetSplit.Train)]
    [InlineData(DatasetSplit.Val)]
    [InlineData(DatasetSplit.Test)]
    public void A_label_with_a_palette_of_colours_is_refused_on_opening_unless_its_indices_are_asked_for(DatasetSplit split)
    {
        string name = $"{split.ToString().ToLowerInvariant()}_1";
        Write(name);
        byte[] file = WriteLabel(name, 4, [0, 0, 0, 128, 0, 0]);
        string message = FailureOf(Options() with { Split = split });
        Assert.Contains(_folder.At($"label/{name}.bmp"), message, StringComparison.Ordinal);
        Assert.Contains("palette of colours", message, StringComparison.Ordinal);
        Assert.Contains("data.label_palette", message, StringComparison.Ordinal);

        using ChangePairsDataset dataset = new(Options() with { Split = split, LabelIndices = true });
        Assert.Equal([0, 1], LoadedSample.Of(dataset, new SampleKey(0, 0, 0)).Label[..2]);
        Assert.Equal(file, File.ReadAllBytes(_folder.At($"label/{name}.bmp")));
    }

    [Fact]
    public void A_BMP_label_with_a_palette_of_colours_is_refused_alike()
    {
        Write("train_1");
        byte[] indexed = Fixture.Bytes("palette.bmp");
        foreach (string folder in (string[])["A", "B"])
            _folder.Write($"{folder}/train_1.bmp", Fixture.Bytes("rgb.bmp"));
        _folder.Write("label/train_1.bmp", indexed);
        Assert.Contains("palette of colours", FailureOf(Options()), StringComparison.Ordinal);
        using ChangePairsDataset dataset = new(Options() with { LabelIndices = true, Classes = 256 });
        Assert.Equal(Fixture.Width * Fixture.Height, dataset.CountClasses().Sum());
    }

    [Theory]
    [InlineData(TestPng.Grey, 16, "has 16 bits")]
    [InlineData(4, 8, "alpha channel")]
    [InlineData(6, 8, "alpha channel")]
    [InlineData(TestPng.Grey, 4, "grey values of 4 bits")]
    [InlineData(TestPng.Grey, 1, "grey values of 1 bits")]
    public void A_label_whose_values_are_no_class_numbers_is_refused_on_opening(int color, int depth, string expected)
    {
        Write("train_1");
        int samples = color switch { 4 => 2, 6 => 4, _ => 1 };
        _folder.Write("label/train_1.bmp", TestPng.OfKind(20, 16, color, depth, new byte[((20 * samples * depth) + 7) / 8 * 16]));
        Assert.Contains(expected, FailureOf(Options() with { Classes = 5 }), StringComparison.Ordinal);
    }

    [LinuxFact("It makes its JPEG file by Linux's libjpeg-turbo.")]
    public void What_is_converted_is_said_once_for_each_kind_or_refused()
    {
        Write("train_1", "train_2");
        byte[] rgba = TestPng.OfKind(20, 16, 6, 8, new byte[20 * 16 * 4]);
        string[] alpha = [_folder.Write("A/train_1.bmp", rgba), _folder.Write("A/train_2.bmp", rgba)];
        string deep = _folder.Write("B/train_1.bmp", TestPng.OfKind(20, 16, TestPng.Rgb, 16, new byte[20 * 16 * 6]));
        string print = _folder.Write("B/train_2.bmp", TestJpeg.OfCmyk(20, 16, 1, 2, 3, 4));
        using ChangePairsDataset dataset = new(Options());
        Assert.Equal([("depth_16", 1), ("alpha_dropped", 2), ("cmyk", 1)], dataset.Warnings.Select(warning => (warning.Kind, warning.Count)));
        Assert.Equal([deep], dataset.Warnings[0].Files);
        Assert.Equal(alpha, dataset.Warnings[1].Files);
        Assert.Equal([print], dataset.Warnings[2].Files);
        LoadedSample.Of(dataset, new SampleKey(0, 0, 0));

        Assert.Contains("alpha channel; data.convert_images is false", FailureOf(Options() with { ConvertsImages = false }), StringComparison.Ordinal);
        File.WriteAllBytes(alpha[0], TestImage.Coordinates(20, 16, 10));
        Assert.Contains("16 bits a channel; data.convert_images", FailureOf(Options() with { ConvertsImages = false }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, 6, 6)]
    [InlineData(6, 6, 1)]
    [InlineData(6, 1, 8)]
    [InlineData(3, 3, 3)]
    public void Pairs_are_turned_together_where_it_is_clear_how_they_are_shown(int first, int second, int label)
    {
        WriteTurned(20, 16, first, second, label);
        using ChangePairsDataset dataset = new(Options());
        Assert.Equal([16, 20], dataset.Fields[2].Shape);
        LoadedSample sample = LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
        for (int pixel = 0; pixel < sample.Label.Length; pixel++)
        {
            Assert.Equal(sample.Image1[pixel], sample.Image2[pixel]);
            Assert.Equal(sample.Image1[pixel] > sample.Image1.Average() ? 1 : 0, sample.Label[pixel]);
        }

        DatasetWarning warning = Assert.Single(dataset.Warnings);
        Assert.Equal(("exif_orientation", new[] { first, second, label }.Count(orientation => orientation > 1)), (warning.Kind, warning.Count));
        Assert.Contains("orientation", FailureOf(Options() with { ConvertsImages = false }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, 16, 3, 3, 1)]
    [InlineData(20, 16, 1, 3, 1)]
    [InlineData(20, 20, 6, 6, 1)]
    [InlineData(20, 20, 1, 1, 2)]
    public void Pairs_are_refused_where_nothing_tells_how_they_lie_on_each_other(int width, int height, int first, int second, int label)
    {
        WriteTurned(width, height, first, second, label);
        Assert.Contains("EXIF orientation", FailureOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_is_turned_away_from_its_label_is_refused_with_the_reason()
    {
        Write("train_1");
        _folder.Write("A/train_1.bmp", TestPng.OfKind(20, 16, TestPng.Grey, 8, new byte[320], [TestPng.Orientation(6)]));
        string message = FailureOf(Options());
        Assert.Contains("16x20 pixels once it is turned by its EXIF orientation 6", message, StringComparison.Ordinal);
        Assert.Contains("20x16 pixels,", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("B")]
    [InlineData("label")]
    public void A_missing_partner_is_found_on_opening(string folder)
    {
        Write("train_1", "train_2");
        File.Delete(_folder.At($"{folder}/train_2.bmp"));
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
        Directory.Delete(_folder.At(folder), recursive: true);
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
        Assert.Equal(2, Names(Options() with { Augmentation = new AugmentationOptions { Resize = [16, 16] } }).Count);
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
        File.WriteAllText(_folder.At("list.txt"), "\n");
        Assert.Contains("is empty", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.At("list.txt"), "a\nb.bmp\n");
        Assert.Contains("'b.bmp', line 2", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.At("list.txt"), "a\na.bmp\n");
        Assert.Contains("twice", FailureOf(Options() with { TrainList = "list.txt" }), StringComparison.Ordinal);
        File.WriteAllText(_folder.At("list.txt"), "a\n");
        Assert.Contains("none for the training split", FailureOf(Options() with { TestList = "list.txt" }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_missing_empty_or_a_file_is_a_sentence()
    {
        Assert.Contains("does not exist", FailureOf(Options() with { Path = _folder.At("no") }), StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.At("empty"));
        Assert.Contains("is empty", FailureOf(Options() with { Path = _folder.At("empty") }), StringComparison.Ordinal);
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

    /// <summary>A label whose columns have the palette's first and second colour in turn.</summary>
    private byte[] WriteLabel(string name, int depth, byte[] palette)
    {
        byte[] row = new byte[((20 * depth) + 7) / 8];
        for (int x = 1; x < 20; x += 2)
            row[x * depth / 8] |= (byte)(1 << (8 - depth - (x * depth % 8)));
        byte[] file = TestPng.OfKind(20, 16, TestPng.Palette, depth, [.. Enumerable.Range(0, 16).SelectMany(_ => row)], [TestPng.Chunk("PLTE", palette)]);
        _folder.Write($"label/{name}.bmp", file);
        return file;
    }

    /// <summary>A pair that is shown in the given size, bright in its upper left quarter, which changed; each file stores it in its own way.</summary>
    private void WriteTurned(int width, int height, int first, int second, int label)
    {
        foreach ((string folder, int orientation) in ((string, int)[])[("A", first), ("B", second), ("label", label)])
        {
            bool swaps = orientation >= 5;
            (int storedWidth, int storedHeight) = swaps ? (height, width) : (width, height);
            byte[] pixels = new byte[width * height];
            for (int y = 0; y < storedHeight; y++)
            {
                for (int x = 0; x < storedWidth; x++)
                {
                    // Where a stored pixel is shown: EXIF 2.3, 4.6.4, in its own words of rows and columns.
                    (int column, int line) = orientation switch
                    {
                        2 => (storedWidth - 1 - x, y),
                        3 => (storedWidth - 1 - x, storedHeight - 1 - y),
                        6 => (storedHeight - 1 - y, x),
                        8 => (y, storedWidth - 1 - x),
                        _ => (x, y),
                    };
                    pixels[(y * storedWidth) + x] = (byte)(column < width / 2 && line < height / 2 ? 255 : 0);
                }
            }

            _folder.Write($"{folder}/train_1.bmp", TestPng.OfKind(storedWidth, storedHeight, TestPng.Grey, 8, pixels, [TestPng.Orientation(orientation)]));
        }
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
