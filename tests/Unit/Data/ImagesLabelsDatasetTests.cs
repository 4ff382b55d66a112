using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImagesLabels;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

/// <summary>Images with class maps: what is a sample, of which split, and what its fields hold. What pairs share with them is tested with pairs.</summary>
public sealed class ImagesLabelsDatasetTests : IDisposable
{
    private const int Width = 20;
    private const int Height = 16;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_sample_is_an_image_and_the_class_map_of_its_name_whatever_their_formats_are()
    {
        Write("train/", "a");
        _folder.Write("val/images/b.bmp", TestImage.Coordinates(Width, Height, blue: 9));
        _folder.Write("val/labels/b.png", Palette((x, y) => x < 5 ? 2 : y < 3 ? 1 : 0));

        using ImagesLabelsDataset dataset = new(Options() with { Split = DatasetSplit.Val, Classes = 3, LabelIndices = true, Mean = [0, 0, 0], Std = [1, 1, 1] });

        Assert.Equal(["image", "label"], dataset.Fields.Select(field => field.Name));
        Assert.Equal(("b", 1), (dataset.NameOf(0), dataset.Count));
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = 1, NumWorkers = 0, PrefetchQueueLength = 1 });
        using IBatch batch = loader.ReadEpoch(0).First();
        Assert.Equal([1, 3, Height, Width], batch["image"].Shape);
        Assert.Equal(7 / 255f, Values<float>(batch["image"])[7], 6);
        Assert.Equal([2, 2, 2, 2, 2, 1, 1], Values<long>(batch["label"])[..7]);
        Assert.Equal([(Width - 5) * (Height - 3), (Width - 5) * 3, 5 * Height], dataset.CountClasses());
        Assert.Empty(dataset.Warnings);
    }

    [Fact]
    public void A_prefix_a_folder_or_a_list_says_which_split_an_image_is_of()
    {
        Write("", "train_1", "val_1", "train/2", "x");
        Assert.Equal(["train/2", "train_1"], Names(Options()));
        _folder.Write("lists/val.txt", "x.bmp\nimages/val_1\n"u8.ToArray());
        _folder.Write("lists/train.txt", "train_1\n"u8.ToArray());
        Assert.Equal(["x", "val_1"], Names(Options() with { Split = DatasetSplit.Val, TrainList = "lists/train.txt", ValList = "lists/val.txt" }));
    }

    [Fact]
    public void Every_file_is_used_or_named_in_a_warning()
    {
        Write("train/", "a");
        Write("valid/", "b");
        _folder.Write("train/images/a.tif", [1]);
        _folder.Write("train/c.bmp", [1]);
        using ImagesLabelsDataset dataset = new(Options());
        Assert.Equal(
            [
                $"Files of another format than PNG, JPEG and BMP are not used (1 file: '{_folder.At("train/images/a.tif")}').",
                $"Images beside the folders images and labels are not used (3 files: '{_folder.At("train/c.bmp")}', '{_folder.At("valid/images/b.bmp")}', '{_folder.At("valid/labels/b.bmp")}').",
            ],
            dataset.Warnings.Select(warning => warning.Message));
    }

    [Fact]
    public void What_does_not_fit_is_said_in_one_sentence()
    {
        _folder.Write("readme.txt", [1]);
        Assert.Equal(
            $"The data folder '{_folder.Path}' has no folder 'images'; expected images and labels, or train, val and test with these two in each.",
            Assert.Throws<DatasetException>(() => new ImagesLabelsDataset(Options())).Message);
        Write("train/", "a");
        _folder.Write("train/images/b.bmp", TestImage.Coordinates(Width, Height, blue: 1));
        Assert.Equal(
            $"The image 'b' has no file in the folder '{_folder.At("train/labels")}'; expected it in images and labels.",
            Assert.Throws<DatasetException>(() => new ImagesLabelsDataset(Options())).Message);
        _folder.Write("train/labels/b.bmp", TestImage.Grey(Width, Height - 1, (_, _) => 0));
        Assert.Contains("expected one size", Assert.Throws<DatasetException>(() => new ImagesLabelsDataset(Options())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_process_opens_the_same_samples()
    {
        Write("train/", "a", "b");
        using ImagesLabelsDataset here = new(Options() with { CropSize = 16 });
        using ImagesLabelsDataset there = (ImagesLabelsDataset)here.Description.Open();
        Assert.Equal(here.Fields.Select(field => string.Join('x', field.Shape)), there.Fields.Select(field => string.Join('x', field.Shape)));
        Assert.Equal(["a", "b"], Enumerable.Range(0, there.Count).Select(there.NameOf));
    }

    private static byte[] Palette(Func<int, int, int> value)
    {
        using MemoryStream file = new();
        using (PngWriter writer = new(file, Width, Height, PngColor.Palette, [0, 0, 0, 250, 10, 10, 10, 10, 250]))
        {
            for (int y = 0; y < Height; y++)
                writer.WriteRow([.. Enumerable.Range(0, Width).Select(x => (byte)value(x, y))]);
        }

        return file.ToArray();
    }

    private static unsafe T[] Values<T>(BatchField field)
        where T : unmanaged =>
        new ReadOnlySpan<T>((void*)field.Address, (int)field.Shape.Aggregate(1L, (product, side) => product * side)).ToArray();

    private static string[] Names(ImagesLabelsOptions options)
    {
        using ImagesLabelsDataset dataset = new(options);
        return [.. Enumerable.Range(0, dataset.Count).Select(dataset.NameOf)];
    }

    private ImagesLabelsOptions Options() => new() { Path = _folder.Path, Split = DatasetSplit.Train };

    private void Write(string prefix, params string[] names)
    {
        foreach (string name in names)
        {
            _folder.Write($"{prefix}images/{name}.bmp", TestImage.Coordinates(Width, Height, blue: 1));
            _folder.Write($"{prefix}labels/{name}.bmp", TestImage.Grey(Width, Height, (x, _) => x < 5 ? 1 : 0));
        }
    }
}
