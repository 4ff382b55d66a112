using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

/// <summary>A process worker keeps no scenes but reads windows of the files; its samples must be those of who keeps them.</summary>
public sealed class AirChangeWindowTests(SampleScenes data) : IClassFixture<SampleScenes>
{
    private readonly ImageBuffer _image = new();
    private readonly ImageReader _reader = new();
    private readonly BmpWindowReader _windows = new();

    [Theory]
    [InlineData(DatasetSplit.Train, null)]
    [InlineData(DatasetSplit.Train, 256)]
    [InlineData(DatasetSplit.Val, null)]
    [InlineData(DatasetSplit.Val, 96)]
    [InlineData(DatasetSplit.Test, null)]
    [InlineData(DatasetSplit.Test, 56)]
    public void Samples_are_the_same_with_and_without_kept_scenes(DatasetSplit split, int? sampleSize)
    {
        AirChangeOptions options = new()
        {
            Path = data.Path,
            Split = split,
            SampleSize = sampleSize,
            ChangedCropShare = 0.5,
            Augmentation = new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5, VerticalFlip = 0.5, Brightness = 0.2, Hue = 0.1 },
        };
        using AirChangeDataset keeping = new(options);
        using AirChangeDataset reading = (AirChangeDataset)keeping.Description.Open();
        for (int number = 0; number < 12; number++)
        {
            SampleKey key = new(3, 1, (int)((long)number * 7919 % keeping.Count));
            LoadedSample expected = LoadedSample.Of(keeping, key);
            LoadedSample actual = LoadedSample.Of(reading, key);
            Assert.Equal(expected.Image1, actual.Image1);
            Assert.Equal(expected.Image2, actual.Image2);
            Assert.Equal(expected.Label, actual.Label);
        }
    }

    [LinuxTheory("Windows' workers read whole bitmaps: windows of them are read by system calls of Unix.")]
    [InlineData("rgb.bmp", false)]
    [InlineData("rgba32.bmp", false)]
    [InlineData("grey.bmp", false)]
    public void Every_window_of_a_bitmap_is_that_part_of_it(string name, bool keepIndices)
    {
        _reader.Decode(Fixture.PathOf(name), _image, keepIndices);
        ImageBuffer window = new();
        foreach ((int x, int y, int width, int height) in ((int, int, int, int)[])[(0, 0, 32, 24), (0, 0, 1, 1), (31, 23, 1, 1), (5, 7, 11, 13), (0, 20, 32, 4)])
        {
            Assert.True(_windows.TryRead(Fixture.PathOf(name), x, y, width, height, window, keepIndices));
            Assert.Equal((width, height, _image.Channels), (window.Width, window.Height, window.Channels));
            for (int row = 0; row < height; row++)
                Assert.Equal(_image.Row(y + row).Slice(x * _image.Channels, width * _image.Channels), window.Row(row));
        }
    }

    [LinuxTheory("Windows' workers read whole bitmaps: windows of them are read by system calls of Unix.")]
    [InlineData("rgb.png")]
    [InlineData("mask1bit.bmp")]
    [InlineData("palette.bmp")]
    public void What_has_no_whole_bytes_a_pixel_or_is_no_bitmap_is_left_to_others(string name)
    {
        bool canBeRead = _windows.TryRead(Fixture.PathOf(name), 0, 0, 4, 4, _image, keepIndices: false);
        Assert.Equal(Fixture.Bytes(name) is [(byte)'B', ..] file && file[28] >= 8, canBeRead);
    }

    [LinuxFact("Windows' workers read whole bitmaps: windows of them are read by system calls of Unix.")]
    public void Faults_are_sentences_that_name_the_file()
    {
        using TemporaryFolder folder = new();
        byte[] bytes = Fixture.Bytes("rgb.bmp");
        string cut = folder.Write("cut.bmp", bytes[..^200]);
        Assert.Contains("truncated", Fail(cut, 0, 0).Message, StringComparison.Ordinal);
        Assert.Contains("not in it", Fail(Fixture.PathOf("rgb.bmp"), 30, 0).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Fail(folder.At("none.bmp"), 0, 0).Message, StringComparison.Ordinal);
        Assert.Contains("is a folder", Fail(folder.Path, 0, 0).Message, StringComparison.Ordinal);

        SampleException Fail(string path, int x, int y)
        {
            SampleException error = Assert.Throws<SampleException>(() => _windows.TryRead(path, x, y, 4, 4, _image, keepIndices: false));
            Assert.Equal(path, error.Path);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            return error;
        }
    }
}
