using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

public sealed class AirChangeDatasetTests(SampleScenes data) : IClassFixture<SampleScenes>
{
    [Fact]
    public void The_splits_have_the_benchmarks_sizes()
    {
        using AirChangeDataset all = Open(DatasetSplit.Train, validation: []);
        using AirChangeDataset train = Open(DatasetSplit.Train);
        using AirChangeDataset val = Open(DatasetSplit.Val);
        using AirChangeDataset test = Open(DatasetSplit.Test);
        using AirChangeDataset none = Open(DatasetSplit.Val, validation: []);
        Assert.Equal((3744, 3120, 12, 0), (all.Count, train.Count, test.Count, none.Count));
        Assert.Equal([3, 112, 112], train.Fields[0].Shape);
        Assert.Equal([3, 448, 784], test.Fields[1].Shape);
        Assert.Equal([448, 784], test.Fields[2].Shape);
        Assert.Equal("Tiszadob/5", test.NameOf(11));
        Assert.All(Enumerable.Range(0, val.Count), index => Assert.True(val.NameOf(index).StartsWith("Szada/7", StringComparison.Ordinal) || val.NameOf(index).StartsWith("Tiszadob/5", StringComparison.Ordinal)));
    }

    [Fact]
    public void Files_of_no_scene_are_named()
    {
        Assert.Empty(Open(DatasetSplit.Train).Warnings);
        string[] others = [Path.Combine(data.Path, "Szada", "1", "notes.txt"), Path.Combine(data.Path, "Szada", "8", "im1.bmp")];
        try
        {
            foreach (string other in others)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(other)!);
                File.WriteAllText(other, "x");
            }

            DatasetWarning warning = Assert.Single(Open(DatasetSplit.Train).Warnings);
            Assert.Equal(("unused_files", 2), (warning.Kind, warning.Count));
            Assert.Equal(others, warning.Files);
        }
        finally
        {
            File.Delete(others[0]);
            Directory.Delete(Path.Combine(data.Path, "Szada", "8"), recursive: true);
        }
    }

    [Fact]
    public void Training_crops_never_touch_the_test_area()
    {
        CropCorners[] areas = AirChangeLayout.CornersOf(112);
        int places = areas.Sum(area => area.Count);
        // 56 columns right of the test area at 528 rows, and 784 columns below it at 80 rows.
        Assert.Equal((56 * 528) + (784 * 80), places);
        HashSet<(int, int)> corners = [];
        foreach ((int x, int y) in areas.SelectMany(area => Enumerable.Range(0, area.Count).Select(place => area[place])))
        {
            Assert.True(x >= 784 || y >= 448);
            Assert.InRange(x, 0, 952 - 112);
            Assert.InRange(y, 0, 640 - 112);
            corners.Add((x, y));
        }

        Assert.Equal(places, corners.Count);
    }

    [Fact]
    public void Validation_crops_cover_the_training_area_and_nothing_else()
    {
        bool[,] covered = new bool[640, 952];
        foreach ((int x, int y) in AirChangeLayout.Tiles(112))
        {
            for (int row = y; row < y + 112; row++)
            {
                for (int column = x; column < x + 112; column++)
                    covered[row, column] = true;
            }
        }

        for (int row = 0; row < 640; row++)
        {
            for (int column = 0; column < 952; column++)
                Assert.Equal(column >= 784 || row >= 448, covered[row, column]);
        }
    }

    [Fact]
    public void The_test_crop_is_the_top_left_of_the_scene()
    {
        using AirChangeDataset test = Open(DatasetSplit.Test, mean: [0, 0, 0], std: [1, 1, 1]);
        LoadedSample sample = LoadedSample.Of(test, new SampleKey(0, 0, 8));
        using ImageReader reader = new();
        ImageBuffer image = new();
        ImageBuffer label = new();
        reader.Decode(Path.Combine(data.Path, "Tiszadob", "2", "im2.bmp"), image);
        reader.Decode(Path.Combine(data.Path, "Tiszadob", "2", "gt.bmp"), label);
        for (int y = 0; y < 448; y += 7)
        {
            for (int x = 0; x < 784; x += 5)
            {
                for (int channel = 0; channel < 3; channel++)
                    Assert.Equal(image.Row(y)[(x * 3) + channel] / 255f, sample.Image2[(channel * 448 * 784) + (y * 784) + x], 5);
                Assert.Equal(label.Row(y)[x * 3] / 255, sample.Label[(y * 784) + x]);
            }
        }
    }

    [Fact]
    public void Crops_are_resized_and_the_test_crop_by_the_same_factor()
    {
        AirChangeOptions options = new() { Path = data.Path, Split = DatasetSplit.Train, CropSize = 112, SampleSize = 256, Mean = [0, 0, 0], Std = [1, 1, 1] };
        using AirChangeDataset resized = new(options);
        using AirChangeDataset plain = new(options with { SampleSize = null });
        using AirChangeDataset test = new(options with { Split = DatasetSplit.Test });
        Assert.Equal([[3, 256, 256], [3, 256, 256], [256, 256]], resized.Fields.Select(field => field.Shape));
        Assert.Equal([3, 1024, 1792], test.Fields[0].Shape);

        SampleKey key = new(3, 1, 77);
        LoadedSample large = LoadedSample.Of(resized, key);
        LoadedSample small = LoadedSample.Of(plain, key);
        for (int y = 0; y < 256; y++)
        {
            for (int x = 0; x < 256; x++)
                Assert.Equal(small.Label[(((2 * y) + 1) * 112 / 512 * 112) + (((2 * x) + 1) * 112 / 512)], large.Label[(y * 256) + x]);
        }

        Assert.Equal(small.Image1.Average(), large.Image1.Average(), 2);
        Assert.Equal(small.Image1[0], large.Image1[0], 2);
        Assert.Equal(small.Image2[^1], large.Image2[^1], 2);
    }

    [Fact]
    public void Resized_crops_are_turned_as_others_are()
    {
        AirChangeOptions options = new()
        {
            Path = data.Path, Split = DatasetSplit.Train, CropSize = 32, SampleSize = 64, Augmentation = new() { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5 },
        };
        using AirChangeDataset resized = new(options);
        using AirChangeDataset plain = new(options with { SampleSize = null });
        for (int index = 0; index < 40; index++)
        {
            SampleKey key = new(1, 0, index * 50);
            long[] large = LoadedSample.Of(resized, key).Label;
            long[] small = LoadedSample.Of(plain, key).Label;
            for (int pixel = 0; pixel < small.Length; pixel++)
                Assert.Equal(small[pixel], large[(2 * (pixel / 32) * 64) + (2 * (pixel % 32))]);
        }
    }

    [Fact]
    public void Crops_move_from_epoch_to_epoch_and_repeat_with_the_key()
    {
        using AirChangeDataset train = Open(DatasetSplit.Train);
        SampleKey key = new(3, 1, 77);
        LoadedSample first = LoadedSample.Of(train, key);
        Assert.Equal(first.Image1, LoadedSample.Of(train, key).Image1);
        Assert.NotEqual(first.Image1, LoadedSample.Of(train, key with { Epoch = 2 }).Image1);
    }

    [Fact]
    public void Class_counts_are_those_of_the_training_area()
    {
        using AirChangeDataset train = Open(DatasetSplit.Train);
        IReadOnlyList<long> counts = train.CountClasses();
        Assert.Equal(10L * ((952 * 640) - (784 * 448)), counts.Sum());
        Assert.InRange((double)counts[1] / counts.Sum(), 0.02, 0.12);
    }

    [Fact]
    public void Scenes_are_decoded_once_and_the_cache_is_bounded()
    {
        SceneCache cache = new(2 * 5_000_000);
        using AirChangeDataset train = new(new AirChangeOptions { Path = data.Path, Split = DatasetSplit.Train }, cache);
        for (int index = 0; index < train.Count; index += 100)
            LoadedSample.Of(train, new SampleKey(0, 0, index));
        Assert.InRange(cache.Bytes, 4_000_000, 10_000_000);
        SceneCache large = new();
        using AirChangeDataset whole = new(new AirChangeOptions { Path = data.Path, Split = DatasetSplit.Train }, large);
        Parallel.For(0, 200, index => LoadedSample.Of(whole, new SampleKey(0, 0, index * 15)));
        Assert.Equal(10L * 952 * 640 * 7, large.Bytes);
    }

    [LinuxFact("The names of Windows' files have no letter case.")]
    public void Any_letter_case_and_a_folder_below_are_found()
    {
        using TemporaryFolder folder = new();
        foreach (string scene in AirChangeLayout.SceneNames)
        {
            foreach (string file in (string[])["im1.bmp", "im2.bmp", "gt.bmp"])
            {
                string target = folder.At($"SZTAKI_AirChange_Benchmark/{scene.ToUpperInvariant()}/{file.ToUpperInvariant()}");
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.CreateSymbolicLink(target, Path.Combine(data.Path, scene, file));
            }
        }

        using AirChangeDataset dataset = new(new AirChangeOptions { Path = folder.Path, Split = DatasetSplit.Test });
        Assert.Equal(12, dataset.Count);
        LoadedSample.Of(dataset, new SampleKey(0, 0, 0));
    }

    [Fact]
    public void What_is_missing_or_wrong_is_named_on_opening()
    {
        using TemporaryFolder folder = new();
        folder.Write("A/x.png", [1]);
        Assert.Contains("no folder 'Szada'", FailureOf(folder.Path), StringComparison.Ordinal);
        Assert.Contains("change-pairs", FailureOf(folder.Path), StringComparison.Ordinal);
        foreach (string scene in AirChangeLayout.SceneNames)
        {
            foreach (string file in (string[])["im1.bmp", "im2.bmp", "gt.bmp"])
                folder.Write($"{scene}/{file}", TestImage.Grey(952, 640, (_, _) => 0)[..2000]);
        }

        using (AirChangeDataset dataset = new(new AirChangeOptions { Path = folder.Path, Split = DatasetSplit.Test }))
            Assert.Contains("truncated", Assert.Throws<SampleException>(() => LoadedSample.Of(dataset, new SampleKey(0, 0, 0))).Message, StringComparison.Ordinal);
        folder.Write("Szada/3/im2.bmp", TestImage.Grey(95, 64, (_, _) => 0));
        Assert.Contains("95x64 pixels; expected 952x640", FailureOf(folder.Path), StringComparison.Ordinal);
        File.Delete(folder.At("Szada/3/im2.bmp"));
        Assert.Contains("no file 'im2.bmp'", FailureOf(folder.Path), StringComparison.Ordinal);
        Directory.Delete(folder.At("Szada/3"), recursive: true);
        Assert.Contains("'Szada/3' is missing", FailureOf(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_options_are_sentences()
    {
        Assert.Contains("no scene 'Szada/9'", Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train, validation: ["Szada/9"])).Message, StringComparison.Ordinal);
        Assert.Contains("none is left", Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train, validation: AirChangeLayout.SceneNames)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AirChangeDataset(new AirChangeOptions { Path = data.Path, Split = DatasetSplit.Train, CropSize = 168 }));
        Assert.Throws<DatasetException>(() => new AirChangeDataset(new AirChangeOptions { Path = data.Path, Split = DatasetSplit.Train, Augmentation = new AugmentationOptions { Resize = [10, 10] } }));
    }

    private AirChangeDataset Open(DatasetSplit split, IReadOnlyList<string>? validation = null, IReadOnlyList<double>? mean = null, IReadOnlyList<double>? std = null)
    {
        AirChangeOptions options = new() { Path = data.Path, Split = split };
        return new AirChangeDataset(options with
        {
            ValidationScenes = validation ?? options.ValidationScenes,
            Mean = mean ?? options.Mean,
            Std = std ?? options.Std,
        });
    }

    private static string FailureOf(string path) =>
        Assert.Throws<DatasetException>(() => new AirChangeDataset(new AirChangeOptions { Path = path, Split = DatasetSplit.Train })).Message;
}
