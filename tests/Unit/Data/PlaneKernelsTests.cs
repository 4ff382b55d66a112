using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Randomness;

namespace RobustTrain.Tests.Data;

/// <summary>A JPEG's planes beside libjpeg-turbo's whole decoding, which they must never differ from.</summary>
public sealed class PlaneKernelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ImageReader _reader = new();
    private readonly ImageBuffer _image = new();
    private readonly SampleWriter _writer = new(new Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), AugmentationOptions.None);

    public void Dispose()
    {
        _reader.Dispose();
        _folder.Dispose();
    }

    [Property(MaxTest = 600)]
    public Property Planes_give_the_bits_of_the_whole_decoding_for_every_size_sampling_window_and_flip() => Prop.ForAll(
        Gen.Choose(1, 90).ToArbitrary(),
        Gen.Choose(1, 70).ToArbitrary(),
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        (width, height, seed) =>
        {
            Random random = new(seed);
            int sampling = random.Next(6);
            string file = _folder.Write("x.jpg", TestJpeg.Of(width, height, Pixels(width, height, random), sampling, random.Next(20, 101), random.Next(3) == 0));
            _reader.DecodePlanes(file, _image);
            Assert.Equal(ExpectedChroma(sampling, width), _image.Chroma);
            CompareWindows(file, random, windows: 4);
        });

    [Theory]
    [InlineData(TestJpeg.Full)]
    [InlineData(TestJpeg.HalfColumns)]
    [InlineData(TestJpeg.Quarter)]
    public void Windows_at_every_edge_and_wide_ones_give_the_bits_of_the_whole_decoding(int sampling)
    {
        Random random = new(sampling);
        const int width = 1203, height = 37;
        string file = _folder.Write("x.jpg", TestJpeg.Of(width, height, Pixels(width, height, random), sampling));
        foreach (int windowWidth in (int[])[1, 15, 16, 17, 224, 511, 512, 513, 1024, 1203])
        {
            foreach (int x in (int[])[0, 1, 2, width - windowWidth - 1, width - windowWidth])
            {
                foreach (int y in (int[])[0, 1, height - 8, height - 7])
                {
                    if (x >= 0 && x + windowWidth <= width)
                        Compare(file, new PixelWindow(x, y, windowWidth, 7, 0, (x & 1) != 0, (y & 1) != 0), misalignment: 0);
                }
            }
        }
    }

    [Fact]
    public void Every_colour_is_converted_as_libjpeg_turbo_converts_it()
    {
        // All values of each pair of planes, coarsely of the third; quality 100 leaves the blocks, each of one colour, nearly as they are.
        const int side = 8 * 48;
        byte[] pixels = new byte[side * side * 3];
        for (int turn = 0; turn < 12; turn++)
        {
            for (int y = 0; y < side; y++)
            {
                for (int x = 0; x < side; x++)
                {
                    Span<byte> pixel = pixels.AsSpan(((y * side) + x) * 3, 3);
                    (pixel[turn % 3], pixel[(turn + 1) % 3], pixel[(turn + 2) % 3]) = ((byte)(x / 8 * 255 / 47), (byte)(y / 8 * 255 / 47), (byte)(turn * 23));
                }
            }

            Compare(_folder.Write("x.jpg", TestJpeg.Of(side, side, pixels, TestJpeg.Full, 100)), new PixelWindow(0, 0, side, side), misalignment: 0);
        }
    }

    [Theory]
    [InlineData(TestJpeg.Full, false)]
    [InlineData(TestJpeg.Quarter, false)]
    [InlineData(TestJpeg.Quarter, true)]
    public void A_file_damaged_anywhere_gives_the_same_bits_or_the_same_sentence(int sampling, bool isProgressive)
    {
        Random random = new(1);
        byte[] whole = TestJpeg.Of(33, 21, Pixels(33, 21, random), sampling, 60, isProgressive);
        int bad = 0;
        for (int place = 0; place < whole.Length; place++)
        {
            byte[] bytes = [.. whole];
            bytes[place] ^= (byte)(1 << random.Next(8));
            string file = _folder.Write("x.jpg", bytes);
            string? expected = FailureOf(() => _reader.Decode(file, _image));
            if (expected is null)
                CompareWindows(file, random, windows: 1);
            else
                bad++;
            Assert.Equal(expected, FailureOf(() => _reader.DecodePlanes(file, _image)));
            string cut = _folder.Write("y.jpg", whole[..place]);
            Assert.Equal(FailureOf(() => _reader.Decode(cut, _image)), FailureOf(() => _reader.DecodePlanes(cut, _image)));
        }

        Assert.InRange(bad, 1, whole.Length - 1);
    }

    [Fact]
    public void A_harmless_warning_leaves_an_image_in_planes()
    {
        byte[] whole = TestJpeg.Of(40, 30, Pixels(40, 30, new Random(2)), TestJpeg.Quarter);
        string file = _folder.Write("x.jpg", [.. whole[..^2], 0x12, 0x34, .. whole[^2..]]);
        Assert.Null(FailureOf(() => _reader.DecodePlanes(file, _image)));
        Assert.Equal(ChromaSampling.Quarter, _image.Chroma);
        CompareWindows(file, new Random(3), windows: 3);
    }

    [Fact]
    public void Pixels_of_an_image_in_planes_are_refused_until_it_is_decoded_anew()
    {
        string file = _folder.Write("x.jpg", TestJpeg.Of(20, 20, Pixels(20, 20, new Random(4)), TestJpeg.Quarter));
        _reader.DecodePlanes(file, _image);
        Assert.Contains("planes", Assert.Throws<InvalidOperationException>(() => _image.Pixels.Length).Message, StringComparison.Ordinal);
        _reader.Decode(file, _image);
        Assert.Equal(20 * 20 * 3, _image.Pixels.Length);
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("rgb.bmp")]
    [InlineData("grey.jpg")]
    public void Other_images_are_pixels_for_a_reader_of_planes_too(string name)
    {
        _reader.Decode(Fixture.PathOf(name), _image);
        byte[] expected = _image.Pixels.ToArray();
        _reader.DecodePlanes(Fixture.PathOf(name), _image);
        Assert.Null(_image.Chroma);
        Assert.Equal(expected, _image.Pixels);
    }

    [Fact]
    public void A_writer_that_turns_samples_or_has_one_channel_reads_no_planes()
    {
        WideKernels.Compile();
        Assert.Equal(PlaneKernels.IsWorthwhile, _writer.ReadsPlanes);
        Normalization colours = new([0.5, 0.5, 0.5], [1, 1, 1]);
        Assert.False(new SampleWriter(colours, new AugmentationOptions { Rotate = true }).ReadsPlanes);
        Assert.False(new SampleWriter(new Normalization([0.5], [1]), AugmentationOptions.None).ReadsPlanes);
    }

    public static TheoryData<AugmentationOptions, DatasetSplit> Variations => new()
    {
        { AugmentationOptions.None, DatasetSplit.Train },
        { new AugmentationOptions { HorizontalFlip = 0.5, VerticalFlip = 0.5 }, DatasetSplit.Train },
        { new AugmentationOptions { Rotate = true, HorizontalFlip = 0.5 }, DatasetSplit.Train },
        { new AugmentationOptions { Brightness = 0.3, Contrast = 0.3, Saturation = 0.3, Hue = 0.1 }, DatasetSplit.Train },
        { new AugmentationOptions { Resize = (40, 32) }, DatasetSplit.Train },
        { new AugmentationOptions { Resize = (40, 32) }, DatasetSplit.Val },
        { AugmentationOptions.None, DatasetSplit.Val },
    };

    [Theory]
    [MemberData(nameof(Variations))]
    public void Pairs_in_JPEGs_give_the_samples_that_their_pixels_in_bitmaps_give(AugmentationOptions augmentation, DatasetSplit split)
    {
        const int side = 48;
        Random random = new(5);
        foreach (string name in (string[])["train_1", "val_1"])
        {
            foreach (string image in (string[])["A", "B"])
            {
                string file = _folder.Write($"jpeg/{image}/{name}.jpg", TestJpeg.Of(side, side, Pixels(side, side, random), TestJpeg.Quarter));
                _reader.Decode(file, _image);
                _folder.Write($"bitmap/{image}/{name}.bmp", BmpEncoder.Encode(_image));
            }

            foreach (string kind in (string[])["jpeg", "bitmap"])
                _folder.Write($"{kind}/label/{name}.bmp", TestImage.Grey(side, side, (x, y) => x > y ? 255 : 0));
        }

        for (int crop = 19; crop <= 33; crop += 7)
        {
            ChangePairsOptions options = new() { Path = _folder.File("jpeg"), Split = split, CropSize = crop <= 32 ? crop : null, Augmentation = augmentation };
            using ChangePairsDataset jpeg = new(options);
            using ChangePairsDataset bitmap = new(options with { Path = _folder.File("bitmap") });
            for (int epoch = 0; epoch < 8; epoch++)
            {
                LoadedSample sample = LoadedSample.Of(jpeg, new SampleKey(1, epoch, 0)), expected = LoadedSample.Of(bitmap, new SampleKey(1, epoch, 0));
                Assert.Equal(expected.Image1, sample.Image1);
                Assert.Equal(expected.Image2, sample.Image2);
                Assert.Equal(expected.Label, sample.Label);
            }
        }
    }

    private static ChromaSampling? ExpectedChroma(int sampling, int width) => sampling switch
    {
        TestJpeg.Full => ChromaSampling.Full,
        TestJpeg.HalfColumns when width > 4 => ChromaSampling.Half,
        TestJpeg.Quarter when width > 4 => ChromaSampling.Quarter,
        _ => null,
    };

    // Smooth here, noise of full contrast there.
    private static byte[] Pixels(int width, int height, Random random)
    {
        byte[] pixels = new byte[width * height * 3];
        random.NextBytes(pixels);
        if (random.Next(2) == 0)
            return pixels;
        (int across, int down, int start) = (random.Next(12), random.Next(12), random.Next(256));
        for (int place = 0; place < pixels.Length; place++)
            pixels[place] = (byte)(start + (place / 3 % width * across) + (place / 3 / width * down) + (place % 3 * 60));
        return pixels;
    }

    private static string? FailureOf(Action decode)
    {
        try
        {
            decode();
            return null;
        }
        catch (SampleException exception)
        {
            return exception.Message;
        }
    }

    private void CompareWindows(string file, Random random, int windows)
    {
        _reader.Decode(file, _image);
        (int width, int height) = (_image.Width, _image.Height);
        for (int turn = 0; turn < windows; turn++)
        {
            (int across, int down) = (random.Next(width) + 1, random.Next(height) + 1);
            // Every other width fills whole vectors, whose stores go past the caches.
            across = random.Next(2) == 0 && across > 16 ? across / 16 * 16 : across;
            PixelWindow window = new(random.Next(width - across + 1), random.Next(height - down + 1), across, down, random.Next(2) * 2, random.Next(2) == 0, random.Next(2) == 0);
            Compare(file, window, random.Next(2));
        }
    }

    private unsafe void Compare(string file, PixelWindow window, int misalignment)
    {
        int length = 3 * window.Width * window.Height;
        float* memory = (float*)NativeMemory.AlignedAlloc((nuint)(length + 1) * sizeof(float), 64);
        try
        {
            Span<float> target = new(memory + misalignment, length);
            _reader.Decode(file, _image);
            Write(target);
            float[] expected = target.ToArray();
            target.Fill(float.NaN);
            _reader.DecodePlanes(file, _image);
            Write(target);
            if (!target.SequenceEqual(expected))
                Assert.Fail($"{window} of {_image.Width}x{_image.Height} pixels, {_image.Chroma}: differs at {target.CommonPrefixLength(expected)} of {length}.");
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }

        void Write(Span<float> target)
        {
            SampleRandom random = new(new SampleKey(0, 0, 0));
            _writer.WriteImage(_image, window, ref random, target);
        }
    }
}
