using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImageFolders;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

/// <summary>Folders of classes: which image is of which split and class, and what a sample shows.</summary>
public sealed class ImageFoldersDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_class_is_a_folder_below_its_split_and_numbered_in_the_order_of_the_names()
    {
        Write("train/dogs", 2);
        Write("train/cats/old", 1);
        Write("val/dogs", 1);
        Write("test/cats", 3);

        using ImageFoldersDataset training = Open(DatasetSplit.Train);
        using ImageFoldersDataset validation = Open(DatasetSplit.Val);

        Assert.Equal(["cats", "dogs"], training.ClassNames);
        Assert.Equal(["cats/old/01.bmp", "dogs/01.bmp", "dogs/02.bmp"], NamesOf(training));
        Assert.Equal([1, 2], training.CountClasses());
        Assert.Equal([0, 1], validation.CountClasses());
        Assert.Equal([0, 1, 1], LabelsOf(training));
        Assert.Empty(training.Warnings);
    }

    [Fact]
    public void Where_there_are_no_folders_of_splits_each_class_gives_a_share_that_its_names_and_the_seed_choose()
    {
        Write("cats", 20);
        Write("dogs", 10);

        using ImageFoldersDataset training = Open(DatasetSplit.Train);
        using ImageFoldersDataset validation = Open(DatasetSplit.Val);
        using ImageFoldersDataset test = Open(DatasetSplit.Test);

        Assert.Equal([2, 1], validation.CountClasses());
        Assert.Equal([2, 1], test.CountClasses());
        Assert.Equal([16, 8], training.CountClasses());
        Assert.Equal(30, NamesOf(training).Concat(NamesOf(validation)).Concat(NamesOf(test)).Distinct().Count());
        Assert.Equal(["test_split_made", "val_split_made"], training.Warnings.Select(warning => warning.Kind));
        Assert.StartsWith(
            "There is no folder 'val', so that a share of 0.1 of each class's training images, chosen by data.split_seed, validate in its place (data.val_share) (3 images: '",
            training.Warnings[1].Message, StringComparison.Ordinal);
        using ImageFoldersDataset again = Open(DatasetSplit.Val);
        using ImageFoldersDataset other = new(Options(DatasetSplit.Val) with { SplitSeed = 5 });
        Assert.Equal(NamesOf(validation), NamesOf(again));
        Assert.NotEqual(NamesOf(validation), NamesOf(other));
    }

    [Fact]
    public void A_split_that_has_a_folder_takes_nothing_from_training()
    {
        Write("train/cats", 10);
        Write("train/dogs", 10);
        Write("test/cats", 1);
        using ImageFoldersDataset training = Open(DatasetSplit.Train);
        using ImageFoldersDataset test = Open(DatasetSplit.Test);
        Assert.Equal([9, 9], training.CountClasses());
        Assert.Equal(["cats/01.bmp"], NamesOf(test));
        Assert.Equal(["val_split_made"], training.Warnings.Select(warning => warning.Kind));
    }

    [Fact]
    public void What_is_not_used_is_named()
    {
        Write("train/cats", 3);
        Write("train/dogs", 3);
        Write("val/cats", 1);
        Write("test/cats", 1);
        Write("valid/dogs", 1);
        Write("train", 1);
        _folder.Write("train/dogs/a.webp", [1]);
        _folder.Write("train/dogs/.hidden.png", [1]);
        using ImageFoldersDataset training = Open(DatasetSplit.Train);
        Assert.Equal(
            [
                $"Files of another format than PNG, JPEG and BMP are not used (1 file: '{_folder.At("train/dogs/a.webp")}').",
                $"Images beside the folders of the classes are not used (2 files: '{_folder.At("train/01.bmp")}', '{_folder.At("valid/dogs/01.bmp")}').",
            ],
            training.Warnings.Select(warning => warning.Message));
    }

    [Fact]
    public void What_does_not_fit_is_said_in_one_sentence()
    {
        Write("train/cats", 2);
        Assert.Equal($"The folder '{_folder.At("train")}' has 1 folder, 'cats'; expected a folder for each of at least two classes.", FailureOf(DatasetSplit.Train));
        Write("train/dogs", 2);
        Write("val/dog", 1);
        Assert.Equal($"The folder '{_folder.At("val/dog")}' is none of the 2 classes; did you mean 'dogs'?", FailureOf(DatasetSplit.Val));
        Directory.CreateDirectory(_folder.At("train/birds"));
        Directory.Delete(_folder.At("val"), recursive: true);
        Assert.Equal($"The class 'birds' has no image to train on: none is in '{_folder.At("train/birds")}'; expected PNG, JPEG and BMP files.", FailureOf(DatasetSplit.Train));
        Directory.Delete(_folder.At("train"), recursive: true);
        Write("val/cats", 1);
        Assert.Equal(
            $"The data folder '{_folder.Path}' has a folder 'val', but no folder 'train'; expected train, or a folder for each class and none of train, val and test.", FailureOf(DatasetSplit.Train));
    }

    [Fact]
    public void Evaluation_sees_the_largest_square_in_the_middle_and_training_a_random_one()
    {
        _folder.Write("train/cats/1.bmp", TestImage.Coordinates(40, 20, blue: 0));
        _folder.Write("train/cats/2.bmp", TestImage.Coordinates(40, 20, blue: 0));
        _folder.Write("train/dogs/1.bmp", TestImage.Coordinates(20, 20, blue: 0));
        _folder.Write("val/cats/1.bmp", TestImage.Coordinates(40, 20, blue: 0));
        _folder.Write("test/cats/1.bmp", TestImage.Coordinates(40, 20, blue: 0));
        ImageFoldersOptions options = Options(DatasetSplit.Train) with { ImageSize = 20, SmallestCropArea = 0.25, Mean = [0, 0, 0], Std = [1, 1, 1] };
        using ImageFoldersDataset evaluated = new(options with { Split = DatasetSplit.Val });
        using ImageFoldersDataset training = new(options);

        float[] middle = Load(evaluated, 0, epoch: 3);
        Assert.All(Enumerable.Range(0, 20), column => Assert.Equal((10 + column) / 255f, middle[column], 6));
        float[][] seen = [.. Enumerable.Range(0, 20).Select(epoch => Load(training, 0, epoch))];
        Assert.True(seen.Select(pixels => pixels[0]).Distinct().Count() > 10);
        Assert.All(seen, pixels => Assert.InRange(pixels.Take(400).Max() - pixels.Take(400).Min(), 9 / 255f, 20 / 255f));
        Assert.Equal(seen[7], Load(training, 0, epoch: 7));
    }

    [Fact]
    public void Resizing_takes_the_mean_of_what_a_pixel_covers_and_mixes_neighbours_where_it_enlarges()
    {
        ImageBuffer source = new();
        source.SetSize(8, 8, 1);
        for (int at = 0; at < 64; at++)
            source.Pixels[at] = (byte)(at % 8 % 2 == 0 ? 0 : 200);
        ImageBuffer target = new();
        SquareResizer resizer = new();

        resizer.Resize(source, new PixelSquare(0, 0, 8), target, 2);
        Assert.All(target.Pixels[..4].ToArray(), value => Assert.InRange(value, 90, 110));
        resizer.Resize(source, new PixelSquare(0, 0, 8), target, 8);
        Assert.Equal(source.Pixels[..64].ToArray(), target.Pixels[..64].ToArray());

        // As Pillow's bilinear resize of 0 and 200 to four pixels.
        resizer.Resize(source, new PixelSquare(0, 0, 2), target, 4);
        Assert.Equal([0, 50, 150, 200], target.Row(0)[..4].ToArray());
    }

    [Fact]
    public void A_random_square_lies_within_the_image_and_has_the_area_that_is_asked()
    {
        for (int index = 0; index < 500; index++)
        {
            SampleRandom random = new(new SampleKey(1, 0, index));
            PixelSquare square = PixelSquare.Draw(50, 30, 0.25, ref random);
            Assert.InRange(square.Side, 15, 30);
            Assert.InRange(square.X, 0, 50 - square.Side);
            Assert.InRange(square.Y, 0, 30 - square.Side);
        }
    }

    [Fact]
    public void Lists_name_images_of_a_split()
    {
        Write("train/cats", 3);
        Write("train/dogs", 3);
        Write("val/cats", 2);
        Write("val/dogs", 2);
        Write("test/cats", 1);
        _folder.Write("night.txt", "cats/01.bmp\ndogs\\02\n"u8.ToArray());
        _folder.Write("wrong.txt", "\ncats/09\n"u8.ToArray());
        using ImageFoldersDataset validation = Open(DatasetSplit.Val);
        Assert.Equal(["cats/01.bmp", "dogs/02.bmp"], ImageFoldersLists.NamesIn(validation, ["night.txt"]).Order());
        Assert.Equal(
            $"The list file '{_folder.At("wrong.txt")}' names 'cats/09', line 2, but the val split has no such image; expected a class's folder and a file name, as 'cats/01.bmp'.",
            Assert.Throws<DatasetException>(() => ImageFoldersLists.NamesIn(validation, ["wrong.txt"])).Message);
    }

    [Fact]
    public void Another_process_opens_the_same_samples_and_a_broken_file_is_found()
    {
        Write("train/cats", 2);
        Write("train/dogs", 2);
        Write("val/cats", 1);
        Write("test/cats", 1);
        using ImageFoldersDataset here = Open(DatasetSplit.Train);
        using ImageFoldersDataset there = (ImageFoldersDataset)here.Description.Open();
        Assert.Equal(NamesOf(here), NamesOf(there));
        Assert.Equal(Load(here, 1, epoch: 2), Load(there, 1, epoch: 2));
        byte[] bytes = File.ReadAllBytes(_folder.At("train/cats/01.bmp"));
        File.WriteAllBytes(_folder.At("train/cats/01.bmp"), bytes[..^50]);
        Assert.Contains("01.bmp", Assert.Single(there.FaultsOfPart(0)).Message, StringComparison.Ordinal);
        Assert.Empty(there.FaultsOfPart(1));
    }

    private static string[] NamesOf(ImageFoldersDataset dataset) => [.. Enumerable.Range(0, dataset.Count).Select(dataset.NameOf)];

    private static long[] LabelsOf(ImageFoldersDataset dataset)
    {
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = dataset.Count, NumWorkers = 0, PrefetchQueueLength = 1 });
        using IBatch batch = loader.ReadEpoch(0).First();
        Assert.Equal([dataset.Count], batch["label"].Shape);
        return Values<long>(batch["label"]);
    }

    private static float[] Load(ImageFoldersDataset dataset, int index, int epoch)
    {
        using PrefetchLoader loader = new(dataset, new LoaderOptions { BatchSize = dataset.Count, NumWorkers = 0, PrefetchQueueLength = 1 });
        using IBatch batch = loader.ReadEpoch(epoch).First();
        float[] all = Values<float>(batch["image"]);
        int length = all.Length / dataset.Count;
        return all[(index * length)..((index + 1) * length)];
    }

    private static unsafe T[] Values<T>(BatchField field)
        where T : unmanaged =>
        new ReadOnlySpan<T>((void*)field.Address, (int)field.Shape.Aggregate(1L, (product, side) => product * side)).ToArray();

    private string FailureOf(DatasetSplit split) => Assert.Throws<DatasetException>(() => Open(split)).Message;

    private ImageFoldersDataset Open(DatasetSplit split) => new(Options(split));

    private ImageFoldersOptions Options(DatasetSplit split) => new() { Path = _folder.Path, Split = split, ImageSize = 16 };

    private void Write(string folder, int count)
    {
        for (int number = 1; number <= count; number++)
            _folder.Write($"{folder}/{number:00}.bmp", TestImage.Coordinates(20, 24, blue: number));
    }
}
