using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.PairedImages;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

public sealed class PairedImagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Crops_of_a_pair_lie_on_each_other_however_they_are_turned()
    {
        // The low-quality image says where it is by its even coordinates in the ground truth.
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(64, 48, 9));
        _folder.Write("train/lq/a.bmp", Low(64, 48));
        using PairedImagesDataset dataset = Open(DatasetSplit.Train, new() { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5 });
        HashSet<(float, float)> corners = [];
        HashSet<(float, float)> directions = [];

        for (int epoch = 0; epoch < 60; epoch++)
        {
            (float[] lq, float[] gt) = Load(dataset, new SampleKey(3, epoch, 0));
            for (int y = 0; y < 8; y++)
            {
                for (int x = 0; x < 8; x++)
                {
                    float[] square = [.. new[] { (0, 0), (1, 0), (0, 1), (1, 1) }.Select(at => gt[(((2 * y) + at.Item2) * 16) + (2 * x) + at.Item1] * 255)];
                    Assert.Equal(MathF.Round(square.Min()), MathF.Round(lq[(y * 8) + x] * 255));
                }
            }

            corners.Add((lq[0], lq[64]));
            directions.Add((MathF.Round((gt[1] - gt[0]) * 255), MathF.Round((gt[257] - gt[256]) * 255)));
        }

        Assert.InRange(corners.Count, 30, 60);
        Assert.Equal(4, directions.Count);
    }

    [Fact]
    public void A_missing_low_quality_side_is_made_by_reduction()
    {
        _folder.Write("val/gt/a.bmp", TestImage.Coordinates(64, 48, 90));
        using PairedImagesDataset dataset = Open(DatasetSplit.Val);

        (float[] lq, float[] gt) = Load(dataset, new SampleKey(0, 0, 0));

        Assert.Equal([3, 24, 32], dataset.Fields[0].Shape);
        Assert.Equal([3, 48, 64], dataset.Fields[1].Shape);
        Assert.Equal(3 * 48 * 64, gt.Length);
        // Of a ramp the reduction is the mean of each two, here halves rounded to the even.
        Assert.InRange(lq[(5 * 32) + 10] * 255, 19.9, 21.1);
        Assert.Equal(90f / 255, lq[(2 * 24 * 32) + 100], 1e-6f);
    }

    [Fact]
    public void Only_the_truth_of_training_is_sharpened_and_what_is_made_of_it()
    {
        foreach (string split in new[] { "train", "val" })
            _folder.Write($"{split}/gt/a.bmp", TestImage.Grey(64, 48, (x, y) => ((x / 5) + (y / 7)) % 2 * 160));
        PairedImagesOptions plain = Options(DatasetSplit.Train) with { Degradation = new() { Name = "second-order" } };
        (float[] lq, float[] gt) = Load(new PairedImagesDataset(plain), new SampleKey(3, 1, 0));
        (float[] sharperLq, float[] sharper) = Load(new PairedImagesDataset(plain with { SharpensGt = true }), new SampleKey(3, 1, 0));
        PairedImagesOptions validation = plain with { Split = DatasetSplit.Val };

        Assert.NotEqual(gt, sharper);
        Assert.NotEqual(lq, sharperLq);
        new UnsharpMask().Apply(gt, 16, 16, 3);
        Assert.Equal(gt, sharper);
        (_, float[] seen) = Load(new PairedImagesDataset(validation), new SampleKey(3, 1, 0));
        (_, float[] same) = Load(new PairedImagesDataset(validation with { SharpensGt = true }), new SampleKey(3, 1, 0));
        Assert.Equal(seen, same);
    }

    [Fact]
    public void Lists_of_BasicSR_choose_the_images_and_the_others_are_named()
    {
        foreach (string name in new[] { "a", "b", "c" })
        {
            _folder.Write($"gt/{name}.bmp", TestImage.Coordinates(32, 32, 0));
            _folder.Write($"lq/{name}x2.bmp", Low(32, 32));
        }

        _folder.Write("train.txt", "a.bmp (32,32,3)\n"u8.ToArray());
        _folder.Write("val.txt", "b\n"u8.ToArray());
        PairedImagesOptions options = Options(DatasetSplit.Train) with
        {
            FilenameTmpl = "{}x2",
            Lists = new Dictionary<DatasetSplit, string> { [DatasetSplit.Train] = "train.txt", [DatasetSplit.Val] = "val.txt" },
        };
        using PairedImagesDataset dataset = new(options);

        Assert.Equal("a", dataset.NameOf(0));
        Assert.Equal([_folder.At("gt/a.bmp"), _folder.At("lq/ax2.bmp")], dataset.FilesOf(0));
        DatasetWarning unused = Assert.Single(dataset.Warnings);
        Assert.Equal(("unused_images", 2), (unused.Kind, unused.Count));
        Assert.Contains("c.bmp", unused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_can_be_given_for_each_split()
    {
        _folder.Write("HR/a.bmp", TestImage.Coordinates(32, 32, 0));
        _folder.Write("LR/a.bmp", Low(32, 32));
        using PairedImagesDataset dataset = new(Options(DatasetSplit.Train) with
        {
            GtFolders = new Dictionary<DatasetSplit, string> { [DatasetSplit.Train] = "HR" },
            LqFolders = new Dictionary<DatasetSplit, string> { [DatasetSplit.Train] = "LR" },
        });

        Assert.Equal([_folder.At("HR/a.bmp"), _folder.At("LR/a.bmp")], dataset.FilesOf(0));
    }

    [Fact]
    public void A_low_quality_image_that_is_no_integer_part_of_its_ground_truth_is_refused_with_both_sides()
    {
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(64, 48, 0));
        _folder.Write("train/lq/a.bmp", TestImage.Coordinates(30, 24, 0));

        string message = Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train)).Message;

        Assert.Equal($"The image '{_folder.At("train/gt/a.bmp")}' is 64x48 pixels, but its low-quality image '{_folder.At("train/lq/a.bmp")}' is 30x24; expected 60x48, 2 times as large (model.scale).", message);
    }

    [Theory]
    [InlineData("gt", "has no low-quality image 'b'")]
    [InlineData("lq", "has no ground truth")]
    public void An_image_without_a_partner_is_refused(string side, string expected)
    {
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(32, 32, 0));
        _folder.Write("train/lq/a.bmp", Low(32, 32));
        _folder.Write($"train/{side}/b.bmp", TestImage.Coordinates(32, 32, 0));

        Assert.Contains(expected, Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_not_used_are_named_by_what_they_are()
    {
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(32, 32, 0));
        _folder.Write("train/lq/a.bmp", Low(32, 32));
        _folder.Write("train/gt/notes.txt", [1]);
        _folder.Write("train/loose.png", [1]);
        using PairedImagesDataset dataset = new(Options(DatasetSplit.Train) with { Degradation = new() { Name = "bicubic" } });

        Assert.Equal(["other_formats", "unused_low_quality", "stray_images"], dataset.Warnings.Select(warning => warning.Kind));
        Assert.Equal([_folder.At("train/gt/a.bmp")], dataset.FilesOf(0));
    }

    [Fact]
    public void Images_of_other_sizes_are_cut_into_tiles_or_refused()
    {
        _folder.Write("test/gt/a.bmp", TestImage.Coordinates(40, 32, 0));
        _folder.Write("test/gt/b.bmp", TestImage.Coordinates(33, 50, 0));

        Assert.Contains("have to be of one size; give data.tile_size", Assert.Throws<DatasetException>(() => Open(DatasetSplit.Test)).Message, StringComparison.Ordinal);
        using PairedImagesDataset dataset = new(Options(DatasetSplit.Test) with { TileSize = 32 });

        Assert.Equal(["a@0,0", "a@8,0", "b@0,0", "b@0,18"], Enumerable.Range(0, dataset.Count).Select(dataset.NameOf));
        Assert.Equal([("a", 0, 0), ("a", 8, 0), ("b", 0, 0), ("b", 0, 18)], Enumerable.Range(0, dataset.Count).Select(dataset.NameOf).Select(PairedImagesDataset.PartOf));
        Assert.Equal([("photo@2x", 0, 0), ("@1,2", 0, 0)], new[] { "photo@2x", "@1,2" }.Select(PairedImagesDataset.PartOf));
        (_, float[] gt) = Load(dataset, new SampleKey(0, 0, 3));
        Assert.Equal(18, MathF.Round(gt[32 * 32] * 255));
    }

    [Fact]
    public void An_image_smaller_than_a_crop_is_refused()
    {
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(14, 32, 0));

        Assert.Contains("is 14x32 pixels, smaller than the crop of 16 (data.crop_size)", Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_something_else_is_said_to_be()
    {
        _folder.Write("A/train_a.bmp", TestImage.Coordinates(32, 32, 0));

        string message = Assert.Throws<DatasetException>(() => Open(DatasetSplit.Train)).Message;

        Assert.Contains("expected the folder train/gt", message, StringComparison.Ordinal);
        Assert.Contains("read by the dataset change-pairs", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_that_headers_hide_is_found_by_reading_whole()
    {
        byte[] image = TestImage.Coordinates(32, 32, 0);
        string broken = _folder.Write("train/gt/a.bmp", image[..^500]);
        _folder.Write("train/gt/b.bmp", image);
        using PairedImagesDataset dataset = Open(DatasetSplit.Train);

        DatasetFault fault = Assert.Single(Enumerable.Range(0, dataset.PartCount).SelectMany(dataset.FaultsOfPart));

        Assert.Equal(broken, fault.Path);
    }

    [Fact]
    public void A_degraded_stream_has_the_same_bits_with_any_workers_and_from_another_process_description()
    {
        for (int image = 0; image < 6; image++)
            _folder.Write($"train/gt/{image}.bmp", TestImage.Coordinates(48, 40, image * 30));
        using PairedImagesDataset dataset = new(Options(DatasetSplit.Train) with
        {
            Degradation = new DegradationOptions { Name = "second-order", Second = new DegradationRound { ResizeRange = [0.5, 1.1] } },
            GtFolders = new Dictionary<DatasetSplit, string> { [DatasetSplit.Train] = "train/gt" },
        });

        float[] alone = Stream(dataset, 0);

        Assert.Equal(alone, Stream(dataset, 3));
        using var reopened = (PairedImagesDataset)Reopened(dataset).Open();
        Assert.Equal(alone, Stream(reopened, 2));
    }

    [Fact]
    public void Validation_is_degraded_alike_every_time_and_training_anew()
    {
        _folder.Write("train/gt/a.bmp", TestImage.Coordinates(16, 16, 30));
        _folder.Write("val/gt/a.bmp", TestImage.Coordinates(16, 16, 30));
        DegradationOptions degradation = new() { Name = "first-order" };
        using PairedImagesDataset train = new(Options(DatasetSplit.Train) with { Degradation = degradation });
        using PairedImagesDataset val = new(Options(DatasetSplit.Val) with { Degradation = degradation });

        Assert.NotEqual(Load(train, new SampleKey(1, 0, 0)).Lq, Load(train, new SampleKey(1, 1, 0)).Lq);
        Assert.Equal(Load(val, new SampleKey(1, 0, 0)).Lq, Load(val, new SampleKey(2, 1, 0)).Lq);
    }

    private static DatasetDescription Reopened(PairedImagesDataset dataset) =>
        WorkerSpecification.Read(new WorkerSpecification(1, "", 1, 1, 1, 1, 0, dataset.Description, null, 1).ToBytes()[sizeof(int)..]).Dataset;

    private static unsafe float[] Stream(IDataset dataset, int workers)
    {
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = 2, NumWorkers = workers, WorkerKind = WorkerKind.Thread, Shuffle = true, Seed = 4 });
        List<float> all = [];
        for (int epoch = 0; epoch < 2; epoch++)
        {
            foreach (IBatch batch in loader.ReadEpoch(epoch))
            {
                using (batch)
                {
                    BatchField lq = batch["lq"];
                    all.AddRange(new ReadOnlySpan<float>((void*)lq.Address, (int)lq.Shape.Aggregate(1L, (product, length) => product * length)));
                }
            }
        }

        return [.. all];
    }

    private static unsafe (float[] Lq, float[] Gt) Load(IDataset dataset, SampleKey key)
    {
        SlotLayout layout = new(dataset.Fields, 1);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, 64);
        try
        {
            SampleBuffer buffer = new(memory, layout.Placements, 0);
            dataset.Load(key, buffer);
            return (buffer.Field<float>(0).ToArray(), buffer.Field<float>(1).ToArray());
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    // Each pixel is the upper left one of its square in TestImage.Coordinates.
    private static byte[] Low(int width, int height)
    {
        ImageBuffer image = new();
        image.SetSize(width / 2, height / 2, 3);
        for (int y = 0; y < height / 2; y++)
        {
            for (int x = 0; x < width / 2; x++)
                (image.Row(y)[x * 3], image.Row(y)[(x * 3) + 1], image.Row(y)[(x * 3) + 2]) = ((byte)(2 * x), (byte)(2 * y), 9);
        }

        return BmpEncoder.Encode(image);
    }

    private PairedImagesOptions Options(DatasetSplit split) => new() { Path = _folder.Path, Split = split, Scale = 2, CropSize = 16 };

    private PairedImagesDataset Open(DatasetSplit split, AugmentationOptions? augmentation = null) =>
        new(Options(split) with { Augmentation = augmentation ?? AugmentationOptions.None });
}
