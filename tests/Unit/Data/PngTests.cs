using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Imaging;
using RobustTrain.SampleData;

namespace RobustTrain.Tests.Data;

/// <summary>PNGs of every common kind, whole and damaged.</summary>
public sealed class PngTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ImageReader _reader = new();
    private readonly ImageBuffer _image = new();

    public void Dispose()
    {
        _reader.Dispose();
        _folder.Dispose();
    }

    [Property(MaxTest = 150)]
    public Property Every_filter_size_and_split_gives_the_pixels_that_were_encoded() => Prop.ForAll(
        Gen.Choose(1, 70).ToArbitrary(),
        Gen.Choose(1, 12).ToArbitrary(),
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        (width, height, seed) =>
        {
            Random random = new(seed);
            int color = random.Next(2) == 0 ? TestPng.Rgb : TestPng.Grey;
            byte[] pixels = new byte[width * height * (color == TestPng.Rgb ? 3 : 1)];
            random.NextBytes(pixels);
            Assert.Equal(pixels, PixelsOf(TestPng.Of(width, height, color, pixels, _ => random.Next(5), random.Next(1, 200))));
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Each_filter_alone_gives_the_pixels_of_smooth_and_of_extreme_images(int filter)
    {
        foreach (int step in (int[])[1, 3, 85, 255])
        {
            byte[] pixels = [.. Enumerable.Range(0, 33 * 9 * 3).Select(place => (byte)(place / 3 * step))];
            Assert.Equal(pixels, PixelsOf(TestPng.Of(33, 9, TestPng.Rgb, pixels, _ => filter)));
        }
    }

    [Fact]
    public void A_palette_gives_colours_or_indices()
    {
        byte[] indices = [.. Enumerable.Range(0, 21 * 5).Select(place => (byte)(place % 7))];
        byte[] palette = [.. Enumerable.Range(0, 21).Select(value => (byte)(value * 12))];
        byte[] file = TestPng.Of(21, 5, TestPng.Palette, indices, row => row, palette: palette);
        Assert.Equal(indices.SelectMany(index => palette[(index * 3)..((index * 3) + 3)]), PixelsOf(file));
        Assert.Equal(indices, PixelsOf(file, keepIndices: true));
    }

    [Theory]
    [InlineData(TestPng.Grey, 1)]
    [InlineData(TestPng.Grey, 2)]
    [InlineData(TestPng.Grey, 4)]
    [InlineData(TestPng.Grey, 8)]
    [InlineData(TestPng.Grey, 16)]
    [InlineData(TestPng.Rgb, 8)]
    [InlineData(TestPng.Rgb, 16)]
    [InlineData(TestPng.RgbAlpha, 8)]
    [InlineData(TestPng.RgbAlpha, 16)]
    public void Seven_passes_give_the_pixels_of_one(int color, int depth)
    {
        Random random = new(color + depth);
        foreach ((int width, int height) in ((int, int)[])[(1, 1), (2, 3), (4, 1), (5, 9), (8, 8), (17, 11)])
        {
            int stride = ((width * TestPng.SamplesOf(color) * depth) + 7) / 8;
            byte[] rows = new byte[stride * height];
            random.NextBytes(rows);
            byte[] plain = PixelsOf(TestPng.OfKind(width, height, color, depth, rows));
            Assert.Equal(plain, PixelsOf(TestPng.Interlaced(width, height, color, depth, rows, random)));
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_leaves_the_pixels_or_is_an_error_that_names_the_file()
    {
        byte[] pixels = [.. Enumerable.Range(0, 13 * 6 * 3).Select(place => (byte)(place * 5))];
        byte[] whole = TestPng.Of(13, 6, TestPng.Rgb, pixels, row => row % 5, chunkBytes: 40);
        int refused = 0;
        for (int place = 0; place < whole.Length; place++)
        {
            foreach (int bit in (int[])[0, 3, 7])
            {
                byte[] damaged = (byte[])whole.Clone();
                damaged[place] ^= (byte)(1 << bit);
                if (ErrorOf(damaged) is not string error)
                {
                    Assert.Equal(pixels, _image.Pixels);
                    continue;
                }

                Assert.Contains("x.png", error, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.InRange(refused, whole.Length * 2, whole.Length * 3);
    }

    [Fact]
    public void What_is_odd_is_decoded_or_refused_with_the_file_s_name()
    {
        byte[] pixels = [.. Enumerable.Range(0, 8 * 4).Select(place => (byte)place)];
        byte[] rows = [.. Enumerable.Range(0, 4).SelectMany(row => (byte[])[0, .. pixels[(row * 8)..((row * 8) + 8)]])];
        byte[] header = TestPng.Header(8, 4, TestPng.Grey);
        byte[] data = TestPng.Chunk("IDAT", TestPng.Compress(rows));
        byte[] end = TestPng.Chunk("IEND", []);
        byte[] palette = TestPng.Chunk("PLTE", [1, 2, 3]);
        byte[] half = TestPng.Compress(rows)[..8];
        byte[] rest = TestPng.Compress(rows)[8..];
        byte[] wrongSum = TestPng.Compress(rows);
        wrongSum[^1] ^= 1;
        (string Name, byte[][] Chunks)[] files =
        [
            ("no-end", [header, data]),
            ("no-data", [header, end]),
            ("text-between", [header, TestPng.Chunk("tEXt", "a\0b"u8.ToArray()), data, end]),
            ("data-in-two-places", [header, TestPng.Chunk("IDAT", half), TestPng.Chunk("tEXt", "a\0b"u8.ToArray()), TestPng.Chunk("IDAT", rest), end]),
            ("empty-data-first", [header, TestPng.Chunk("IDAT", []), data, end]),
            ("palette-in-grey", [header, palette, data, end]),
            ("unknown-critical", [header, TestPng.Chunk("ABCD", [1]), data, end]),
            ("two-headers", [header, header, data, end]),
            ("rows-missing", [header, TestPng.Chunk("IDAT", TestPng.Compress(rows[..18])), end]),
            ("rows-too-many", [header, TestPng.Chunk("IDAT", TestPng.Compress([.. rows, .. rows])), end]),
            ("no-such-filter", [header, TestPng.Chunk("IDAT", TestPng.Compress([.. rows[..9], 7, .. rows[10..]])), end]),
            ("wrong-adler", [header, TestPng.Chunk("IDAT", wrongSum), end]),
            ("no-zlib", [header, TestPng.Chunk("IDAT", rows), end]),
            ("bytes-after-the-end", [header, data, end, [1, 2, 3]]),
            ("palette-missing", [TestPng.Header(8, 4, TestPng.Palette), data, end]),
            ("beyond-the-palette", [TestPng.Header(8, 4, TestPng.Palette), palette, data, end]),
            ("odd-palette", [TestPng.Header(8, 4, TestPng.Palette), TestPng.Chunk("PLTE", [1, 2]), data, end]),
            ("two-palettes", [TestPng.Header(8, 4, TestPng.Palette), palette, palette, data, end]),
            ("interlaced", [TestPng.Header(8, 4, TestPng.Grey, interlace: 1), data, end]),
            ("four-bits", [TestPng.Header(16, 4, TestPng.Grey, depth: 4), data, end]),
            ("transparent-grey", [header, TestPng.Chunk("tRNS", [0, 3]), data, end]),
            ("gamma", [header, TestPng.Chunk("gAMA", [0, 1, 0x86, 0xA0]), data, end]),
        ];
        string[] refused =
        [
            .. files.Where(file => ErrorOf([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. file.Chunks.SelectMany(chunk => chunk)]) is string error
                && error.Contains("x.png", StringComparison.Ordinal)).Select(file => file.Name),
        ];
        Assert.Equal(
            "no-end no-data data-in-two-places unknown-critical two-headers rows-missing no-such-filter no-zlib palette-missing beyond-the-palette odd-palette two-palettes interlaced",
            string.Join(' ', refused));
    }

    private byte[] PixelsOf(byte[] file, bool keepIndices = false)
    {
        _reader.Decode(_folder.Write("x.png", file), _image, keepIndices);
        return _image.Pixels.ToArray();
    }

    private string? ErrorOf(byte[] file)
    {
        try
        {
            PixelsOf(file);
            return null;
        }
        catch (SampleException exception)
        {
            return exception.Message;
        }
    }
}
