using System.Text.Json;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.ImageFolders;
using RobustTrain.Data.Datasets.ImagesLabels;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>What a process worker is told arrives as it was said.</summary>
public sealed class WorkerSpecificationTests
{
    private static readonly AugmentationOptions Augmentation = new()
    {
        Resize = [32, 31],
        Rotate = true,
        HorizontalFlip = 0.1,
        VerticalFlip = 0.2,
        ColorProbability = 0.6,
        Brightness = 0.3,
        Contrast = 0.4,
        Saturation = 0.5,
        Hue = 0.25,
    };

    private static readonly ChangePairsDescription FullPairs = new(
        new ChangePairsOptions
        {
            Path = "/c",
            Split = DatasetSplit.Val,
            TrainList = "t",
            ValList = "v",
            ValLists = ["u", "x"],
            TestList = "w",
            CropSize = 9,
            ChangedCropShare = 0.7,
            Classes = 5,
            IgnoreIndex = 3,
            LabelIndices = true,
            ConvertsImages = false,
            Augmentation = Augmentation,
            Mean = [0.1, 0.2, 0.3],
            Std = [0.4, 0.5, 0.6],
            Cache = new ImageCache("/cache"),
        },
        [new ChangePair("n", "a", "b", "l")],
        640,
        480);

    private static readonly ImageFoldersDescription FullFolders = new(
        new ImageFoldersOptions
        {
            Path = "/e",
            Split = DatasetSplit.Test,
            ClassNames = ["x", "y"],
            ImageSize = 32,
            SmallestCropArea = 0.3,
            IsVaried = false,
            ValShare = 0.2,
            TestShare = 0.3,
            SplitSeed = 7,
            ConvertsImages = false,
            Augmentation = Augmentation,
            Mean = [0.1],
            Std = [0.2],
            Cache = new ImageCache("/cache"),
        },
        [new ClassImage("x/1.png", "/e/train/x/1.png", 0)]);

    public static TheoryData<DatasetDescription> Descriptions() =>
    [
        new IntegersDescription(77),
        new ImageFolderDescription(new ImageFolderOptions { Path = "/a/Bilder ä", CropSize = 7, Augmentation = Augmentation, Mean = [0.1], Std = [0.2] }, ["x.png", "ü.jpg"]),
        new AirChangeDescription(
            new AirChangeOptions { Path = "/b", Split = DatasetSplit.Test, ValidationScenes = ["Szada/1"], CropSize = 8, ChangedCropShare = 0.9, SampleSize = 16, LabelIndices = true, ConvertsImages = false, Augmentation = Augmentation, Mean = [0.1, 0.2, 0.3], Std = [0.4, 0.5, 0.6] },
            [new ChangePair("Szada/1", "1", "2", "3"), new ChangePair("Szada/2", "4", "5", "6")]),
        FullPairs,
        new ImagesLabelsDescription(new ImagesLabelsOptions { Path = "/d", Split = DatasetSplit.Val, Classes = 4, CropSize = 8 }, [new LabelledImage("n", "a", "b")], 3, 4),
        FullFolders,
        new ChangePairsDescription(new ChangePairsOptions { Path = "/c", Split = DatasetSplit.Train, IgnoreIndex = null }, [], 1, 2),
    ];

    [Theory]
    [MemberData(nameof(Descriptions))]
    public void Everything_arrives(DatasetDescription dataset)
    {
        WorkerSpecification said = new(1, "/proc/1/fd/2", 3, 4, 5, 6, 7, dataset, "kill:0.5", 8.5);
        byte[] bytes = said.ToBytes();
        Assert.Equal(bytes.Length - 4, BitConverter.ToInt32(bytes));
        WorkerSpecification heard = WorkerSpecification.Read(bytes[4..]);
        Assert.Equal(said with { Dataset = heard.Dataset }, heard);
        // Every public property, at any depth, so that one that is added later can't be forgotten.
        Assert.Equal(JsonSerializer.Serialize<object>(dataset), JsonSerializer.Serialize<object>(heard.Dataset));
    }

    [Fact]
    public void No_property_of_the_examples_has_its_default_so_that_none_can_be_forgotten()
    {
        ChangePairsOptions plain = new() { Path = "", Split = DatasetSplit.Train };
        ChangePairsOptions example = FullPairs.Options;
        foreach (var property in typeof(ChangePairsOptions).GetProperties())
            Assert.NotEqual(JsonSerializer.Serialize(property.GetValue(plain)), JsonSerializer.Serialize(property.GetValue(example)));
        ImageFoldersOptions plainFolders = new() { Path = "", Split = DatasetSplit.Train };
        foreach (var property in typeof(ImageFoldersOptions).GetProperties())
            Assert.NotEqual(JsonSerializer.Serialize(property.GetValue(plainFolders)), JsonSerializer.Serialize(property.GetValue(FullFolders.Options)));
        foreach (var property in typeof(AugmentationOptions).GetProperties().Where(property => property.Name != nameof(AugmentationOptions.None)))
            Assert.NotEqual(JsonSerializer.Serialize(property.GetValue(AugmentationOptions.None)), JsonSerializer.Serialize(property.GetValue(Augmentation)));
    }

    [Fact]
    public void Without_faults_none_arrive() =>
        Assert.Null(WorkerSpecification.Read(new WorkerSpecification(1, "", 3, 4, 5, 6, 7, new IntegersDescription(1), null, 0).ToBytes()[4..]).Faults);

    [Fact]
    public void A_message_that_is_cut_off_or_of_an_unknown_data_set_is_refused()
    {
        byte[] bytes = new WorkerSpecification(1, "", 3, 4, 5, 6, 7, new IntegersDescription(1), null, 0).ToBytes()[4..];
        Assert.Throws<InvalidDataException>(() => WorkerSpecification.Read(bytes[..^1]));
        bytes[bytes.AsSpan().IndexOf("integers"u8)] = (byte)'x';
        Assert.Contains("xntegers", Assert.Throws<InvalidDataException>(() => WorkerSpecification.Read(bytes)).Message, StringComparison.Ordinal);
    }
}
