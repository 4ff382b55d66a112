using System.Buffers.Binary;
using RobustTrain.Data;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Tests.Data;

public sealed class ImageReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ImageReader _reader = new();
    private readonly ImageBuffer _image = new();

    public void Dispose()
    {
        _reader.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("rgb.bmp")]
    [InlineData("rgba32.bmp")]
    public void Lossless_RGB_is_decoded_exactly(string name)
    {
        Assert.Equal((Fixture.Width, Fixture.Height, 3), SizeOf(_reader.Probe(Fixture.PathOf(name))));
        _reader.Decode(Fixture.PathOf(name), _image);
        Assert.Equal(Fixture.Rgb(), _image.Pixels);
    }

    [Theory]
    [InlineData("rgb.jpg", 3, "rgb.jpg.rgb")]
    [InlineData("grey.jpg", 1, "grey.jpg.grey")]
    [InlineData("palette.bmp", 3, "palette.bmp.rgb")]
    public void Images_are_decoded_as_Pillow_decodes_them(string name, int channels, string expected)
    {
        Assert.Equal(channels, _reader.Probe(Fixture.PathOf(name)).Channels);
        _reader.Decode(Fixture.PathOf(name), _image);
        Assert.Equal(channels, _image.Channels);
        byte[] pixels = Fixture.Bytes(expected);
        int worst = 0;
        for (int place = 0; place < pixels.Length; place++)
            worst = Math.Max(worst, Math.Abs(pixels[place] - _image.Pixels[place]));
        // Versions of libjpeg may round the last bit of the transform in different ways.
        Assert.InRange(worst, 0, name.EndsWith("jpg", StringComparison.Ordinal) ? 2 : 0);
    }

    [Theory]
    [InlineData("grey.png")]
    [InlineData("grey.bmp")]
    public void Grey_images_have_one_channel(string name)
    {
        _reader.Decode(Fixture.PathOf(name), _image);
        Assert.Equal(1, _image.Channels);
        byte[] rgb = Fixture.Rgb();
        for (int pixel = 0; pixel < _image.Pixels.Length; pixel++)
        {
            double grey = (0.299 * rgb[pixel * 3]) + (0.587 * rgb[(pixel * 3) + 1]) + (0.114 * rgb[(pixel * 3) + 2]);
            Assert.InRange(_image.Pixels[pixel], grey - 1, grey + 1);
        }
    }

    [Theory]
    [InlineData("mask1bit.png")]
    [InlineData("mask1bit.bmp")]
    public void Masks_of_one_bit_become_0_and_255(string name)
    {
        _reader.Decode(Fixture.PathOf(name), _image);
        for (int y = 0; y < Fixture.Height; y++)
        {
            for (int x = 0; x < Fixture.Width; x++)
                Assert.Equal(x * 8 > 128 ? 255 : 0, _image.Row(y)[x]);
        }
    }

    [Fact]
    public void A_palette_image_gives_colours_or_its_indices()
    {
        _reader.Decode(Fixture.PathOf("palette.png"), _image);
        Assert.Equal([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255], _image.Pixels[..12].ToArray());
        _reader.Decode(Fixture.PathOf("palette.png"), _image, keepIndices: true);
        Assert.Equal(1, _image.Channels);
        Assert.Equal([0, 1, 2, 3, 0], _image.Pixels[..5].ToArray());
    }

    [Fact]
    public void A_BMP_may_have_its_rows_from_the_top()
    {
        byte[] bytes = Fixture.Bytes("rgb.bmp");
        int stride = Fixture.Width * 3;
        byte[] flipped = (byte[])bytes.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(flipped.AsSpan(22), -Fixture.Height);
        for (int y = 0; y < Fixture.Height; y++)
            bytes.AsSpan(54 + (y * stride), stride).CopyTo(flipped.AsSpan(54 + ((Fixture.Height - 1 - y) * stride)));
        _reader.Decode(_folder.Write("top.bmp", flipped), _image);
        Assert.Equal(Fixture.Rgb(), _image.Pixels);
    }

    [Fact]
    public void Content_decides_and_not_the_name()
    {
        string file = _folder.Write("image.jpg", Fixture.Bytes("rgb.png"));
        Assert.Equal(ImageFormat.Png, _reader.Probe(file).Format);
        _reader.Decode(file, _image);
        Assert.Equal(Fixture.Rgb(), _image.Pixels);
    }

    [Fact]
    public void Encoding_a_BMP_and_decoding_it_is_the_identity()
    {
        _image.SetSize(5, 3, 3);
        for (int place = 0; place < _image.Pixels.Length; place++)
            _image.Pixels[place] = (byte)(place * 7);
        byte[] pixels = _image.Pixels.ToArray();
        _reader.Decode(_folder.Write("x.bmp", BmpEncoder.Encode(_image)), _image);
        Assert.Equal((5, 3, 3), (_image.Width, _image.Height, _image.Channels));
        Assert.Equal(pixels, _image.Pixels);
    }

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("rgb.jpg")]
    [InlineData("rgb.bmp")]
    public void A_file_truncated_anywhere_is_an_error_that_names_it(string name)
    {
        byte[] bytes = Fixture.Bytes(name);
        for (int length = 0; length < bytes.Length - 20; length += 13)
        {
            string file = _folder.Write($"{length}.dat", bytes[..length]);
            SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(file, _image));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
            Assert.Equal(file, error.Path);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void A_PNG_with_a_flipped_bit_is_an_error()
    {
        byte[] bytes = Fixture.Bytes("rgb.png");
        bytes[60] ^= 1;
        Assert.Contains("damaged", FailureOf("bit.png", bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_JPEG_with_a_damaged_scan_is_an_error()
    {
        byte[] bytes = Fixture.Bytes("rgb.jpg");
        bytes.AsSpan(bytes.Length - 200, 150).Fill(0x55);
        Assert.Contains("damaged", FailureOf("scan.jpg", bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_JPEG_that_is_refused_leaves_the_next_one_readable()
    {
        byte[] whole = Fixture.Bytes("rgb.jpg");
        _reader.Decode(Fixture.PathOf("rgb.jpg"), _image);
        byte[] pixels = _image.Pixels.ToArray();
        for (int place = 2; place < whole.Length; place++)
        {
            byte[] bytes = [.. whole];
            bytes[place] ^= 0x85;
            string file = _folder.Write("damaged.jpg", bytes);
            Assert.True(Record.Exception(() => _reader.Decode(file, _image)) is null or SampleException);
            _reader.Decode(Fixture.PathOf("rgb.jpg"), _image);
            Assert.Equal(pixels, _image.Pixels);
        }
    }

    [Theory]
    [InlineData("alpha.png", "alpha channel")]
    [InlineData("deep.png", "16 bits")]
    [InlineData("cmyk.jpg", "4 channels")]
    public void Other_kinds_of_images_are_refused(string name, string expected)
    {
        Assert.Contains(expected, Assert.Throws<SampleException>(() => _reader.Probe(Fixture.PathOf(name))).Message, StringComparison.Ordinal);
        Assert.Contains(expected, Assert.Throws<SampleException>(() => _reader.Decode(Fixture.PathOf(name), _image)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_file_is_no_image() =>
        Assert.Contains("is not an image", FailureOf("text.png", "hello, I am a text"u8.ToArray()), StringComparison.Ordinal);

    [Fact]
    public void An_empty_file_is_no_image() =>
        Assert.Contains("is empty", FailureOf("empty.png", []), StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_an_error()
    {
        SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(_folder.File("no.png"), _image));
        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_image()
    {
        SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(_folder.Path, _image));
        Assert.Contains("is a folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_impossible_size_is_refused_before_memory_is_taken()
    {
        byte[] bytes = Fixture.Bytes("rgb.png");
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), 0x7FFFFFFF);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), 0x7FFFFFFF);
        Assert.Contains("impossible size", FailureOf("huge.png", bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_BMP_is_refused()
    {
        byte[] bytes = Fixture.Bytes("grey.bmp");
        bytes[30] = 1;
        Assert.Contains("compression 1", FailureOf("rle.bmp", bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_BMP_pixel_beyond_the_palette_is_refused()
    {
        byte[] bytes = Fixture.Bytes("palette.bmp");
        int colours = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(46));
        if (colours == 0)
        {
            colours = 10;
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(46), colours);
        }

        bytes.AsSpan(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(10))).Fill(0xFF);
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(28)) == 8 && colours == 256)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(46), 10);
        Assert.Contains("palette", FailureOf("beyond.bmp", bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void Decoding_allocates_nothing_once_buffers_are_there()
    {
        string[] files = ["rgb.jpg", "rgb.png", "rgb.bmp"];
        foreach (string file in files)
            _reader.Decode(Fixture.PathOf(file), _image);
        string[] paths = [.. files.Select(Fixture.PathOf)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int turn = 0; turn < 100; turn++)
        {
            foreach (string path in paths)
                _reader.Decode(path, _image);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static (int Width, int Height, int Channels) SizeOf(ImageInfo info) => (info.Width, info.Height, info.Channels);

    private string FailureOf(string name, byte[] bytes)
    {
        string file = _folder.Write(name, bytes);
        SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(file, _image));
        Assert.Equal(file, error.Path);
        return error.Message;
    }
}
