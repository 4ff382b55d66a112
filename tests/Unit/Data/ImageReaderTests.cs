using System.Buffers.Binary;
using RobustTrain.Data;
using RobustTrain.Data.Imaging;
using RobustTrain.SampleData;

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

    [LinuxFact("Windows has SkiaSharp, which keeps to itself that a scan is corrupt.")]
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

    [Fact]
    public void Sixteen_bits_are_scaled_to_8_to_the_nearest()
    {
        ImageInfo info = _reader.Probe(Fixture.PathOf("deep.png"));
        Assert.Equal((1, ImageConversions.ScaledTo8Bits), (info.Channels, info.Conversions));
        _reader.Decode(Fixture.PathOf("deep.png"), _image);
        for (int x = 0; x < Fixture.Width; x++)
            Assert.Equal(Math.Round(x * 1000 / 257.0), _image.Row(3)[x]);

        byte[] rgb = TestPng.OfKind(2, 1, TestPng.Rgb, 16, [0, 0, 0, 128, 0, 129, 0xFF, 0xFF, 0x80, 0, 1, 1]);
        _reader.Decode(_folder.Write("rgb16.png", rgb), _image);
        Assert.Equal([0, 0, 1, 255, 128, 1], _image.Pixels.ToArray());
    }

    [Theory]
    [InlineData(4, 8, new byte[] { 10, 0, 20, 255 }, new byte[] { 10, 20 })]
    [InlineData(4, 16, new byte[] { 10, 10, 0, 0, 20, 20, 255, 255 }, new byte[] { 10, 20 })]
    [InlineData(6, 8, new byte[] { 1, 2, 3, 0, 4, 5, 6, 255 }, new byte[] { 1, 2, 3, 4, 5, 6 })]
    [InlineData(6, 16, new byte[] { 1, 1, 2, 2, 3, 3, 0, 0, 4, 4, 5, 5, 6, 6, 9, 9 }, new byte[] { 1, 2, 3, 4, 5, 6 })]
    public void Alpha_is_dropped_and_said(int color, int depth, byte[] row, byte[] expected)
    {
        string file = _folder.Write("alpha.png", TestPng.OfKind(2, 1, color, depth, row));
        ImageConversions deep = depth == 16 ? ImageConversions.ScaledTo8Bits : ImageConversions.None;
        Assert.Equal(ImageConversions.AlphaDropped | deep, _reader.Probe(file).Conversions);
        _reader.Decode(file, _image);
        Assert.Equal(expected, _image.Pixels);
    }

    [Fact]
    public void A_transparent_colour_is_alpha_too()
    {
        byte[][] key = [TestPng.Chunk("tRNS", [0, 3])];
        Assert.Equal(ImageConversions.AlphaDropped, _reader.Probe(_folder.Write("key.png", TestPng.OfKind(2, 1, TestPng.Grey, 8, [3, 4], key))).Conversions);
        byte[] palette = TestPng.Chunk("PLTE", [1, 1, 1, 2, 2, 2]);
        foreach ((byte alpha, ImageConversions expected) in ((byte, ImageConversions)[])[(255, ImageConversions.None), (0, ImageConversions.AlphaDropped)])
        {
            string file = _folder.Write($"{alpha}.png", TestPng.OfKind(2, 1, TestPng.Palette, 8, [0, 1], [palette, TestPng.Chunk("tRNS", [alpha])]));
            Assert.Equal(expected, _reader.Probe(file).Conversions);
            _reader.Decode(file, _image);
            Assert.Equal([1, 2], _image.Pixels.ToArray());
        }
    }

    [Fact]
    public void A_BMP_whose_header_names_bits_of_alpha_has_alpha()
    {
        byte[] plain = Fixture.Bytes("rgba32.bmp");
        Assert.Equal(ImageConversions.None, _reader.Probe(_folder.Write("plain.bmp", plain)).Conversions);
        // Version 4 has 108 bytes of header in place of 40.
        byte[] named = [.. plain[..54], .. new byte[68], .. plain[54..]];
        BinaryPrimitives.WriteInt32LittleEndian(named.AsSpan(10), 122);
        BinaryPrimitives.WriteInt32LittleEndian(named.AsSpan(14), 108);
        BinaryPrimitives.WriteUInt32LittleEndian(named.AsSpan(66), 0xFF000000);
        string file = _folder.Write("alpha.bmp", named);
        Assert.Equal(ImageConversions.AlphaDropped, _reader.Probe(file).Conversions);
        _reader.Decode(file, _image);
        Assert.Equal(Fixture.Rgb(), _image.Pixels);
    }

    [LinuxTheory("It makes its JPEG file by Linux's libjpeg-turbo.")]
    [InlineData(new byte[] { 255, 255, 255, 255 }, new byte[] { 255, 255, 255 })]
    [InlineData(new byte[] { 255, 255, 255, 0 }, new byte[] { 0, 0, 0 })]
    [InlineData(new byte[] { 0, 255, 255, 255 }, new byte[] { 0, 255, 255 })]
    [InlineData(new byte[] { 128, 64, 255, 128 }, new byte[] { 64, 32, 128 })]
    public void CMYK_becomes_RGB(byte[] light, byte[] expected)
    {
        string file = _folder.Write("cmyk.jpg", TestJpeg.OfCmyk(8, 8, light));
        Assert.Equal((3, ImageConversions.CmykToRgb), (_reader.Probe(file).Channels, _reader.Probe(file).Conversions));
        _reader.Decode(file, _image);
        for (int place = 0; place < _image.Pixels.Length; place++)
            Assert.InRange(_image.Pixels[place], Math.Max(0, expected[place % 3] - 2), expected[place % 3] + 2);
    }

    [Theory]
    [InlineData(1, 3, "abc def")]
    [InlineData(2, 3, "cba fed")]
    [InlineData(3, 3, "fed cba")]
    [InlineData(4, 3, "def abc")]
    [InlineData(5, 2, "ad be cf")]
    [InlineData(6, 2, "da eb fc")]
    [InlineData(7, 2, "fc eb da")]
    [InlineData(8, 2, "cf be ad")]
    [InlineData(0, 3, "abc def")]
    [InlineData(9, 3, "abc def")]
    public void An_image_is_turned_as_a_viewer_turns_it(int orientation, int width, string expected)
    {
        byte[] pixels = [.. expected.Where(letter => letter != ' ').Select(letter => (byte)letter)];
        string grey = _folder.Write("grey.png", TestPng.OfKind(3, 2, TestPng.Grey, 8, [.. "abcdef"u8], [TestPng.Orientation(orientation)]));
        ImageInfo info = _reader.Probe(grey);
        Assert.Equal((width, 6 / width, new ImageSize(3, 2)), (info.Width, info.Height, info.StoredSize));
        Assert.Equal(width == 3 && expected[0] == 'a' ? ImageConversions.None : ImageConversions.Turned, info.Conversions);
        _reader.Decode(grey, _image);
        Assert.Equal((width, 6 / width), (_image.Width, _image.Height));
        Assert.Equal(pixels, _image.Pixels);

        byte[] colors = [.. "abcdef"u8.ToArray().SelectMany(letter => (byte[])[letter, 0, (byte)(255 - letter)])];
        _reader.Decode(_folder.Write("rgb.png", TestPng.OfKind(3, 2, TestPng.Rgb, 8, colors, [TestPng.Orientation(orientation)])), _image);
        Assert.Equal(pixels.SelectMany(letter => (byte[])[letter, 0, (byte)(255 - letter)]), _image.Pixels.ToArray());
    }

    [LinuxTheory("It makes its JPEG file by Linux's libjpeg-turbo.")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_JPEG_is_turned_by_its_EXIF_of_either_order_of_bytes(bool isLittle)
    {
        // The left half is dark, the right half bright; a quarter turn clockwise puts dark on top.
        byte[] pixels = [.. Enumerable.Range(0, 32 * 16 * 3).Select(place => (byte)(place / 3 % 32 < 16 ? 20 : 220))];
        foreach (int sampling in (int[])[TestJpeg.Full, TestJpeg.Quarter])
        {
            string file = _folder.Write("turned.jpg", TestJpeg.WithExif(TestJpeg.Of(32, 16, pixels, sampling), TestPng.Exif(6, isLittle)));
            ImageInfo info = _reader.Probe(file);
            Assert.Equal((16, 32, ImageConversions.Turned), (info.Width, info.Height, info.Conversions));
            _reader.Decode(file, _image);
            Assert.Equal((16, 32), (_image.Width, _image.Height));
            Assert.InRange(_image.Row(4)[24], 10, 30);
            Assert.InRange(_image.Row(28)[24], 210, 230);
        }
    }

    [LinuxFact("It makes its JPEG file by Linux's libjpeg-turbo.")]
    public void A_damaged_byte_before_the_pixels_is_passed_over_or_an_error_of_the_file()
    {
        byte[] exif = TestPng.Exif(6);
        byte[] jpeg = TestJpeg.WithExif(TestJpeg.Of(16, 8, new byte[16 * 8 * 3], TestJpeg.Full), exif);
        byte[] png = TestPng.OfKind(9, 2, TestPng.Palette, 2, new byte[6], [TestPng.Chunk("PLTE", [1, 2, 3]), TestPng.Chunk("tRNS", [0]), TestPng.Chunk("eXIf", exif)]);
        foreach (byte[] whole in (byte[][])[jpeg, png])
        {
            for (int place = 2; place < 120; place++)
            {
                foreach (byte value in (byte[])[0, 1, 0x7F, 0xFF])
                {
                    byte[] damaged = [.. whole];
                    damaged[place] = value;
                    string file = _folder.Write("damaged", damaged);
                    Assert.True(Record.Exception(() => _reader.Probe(file)) is null or SampleException { IsOfFile: true });
                    Assert.True(Record.Exception(() => _reader.Decode(file, _image)) is null or SampleException { IsOfFile: true });
                }
            }
        }
    }

    [Fact]
    public void EXIF_that_is_damaged_or_says_nothing_turns_nothing()
    {
        byte[] whole = TestPng.Exif(6);
        for (int length = 0; length < whole.Length - 15; length++)
            Assert.Equal(1, ExifOrientation.Read(whole.AsSpan(0, length)));
        byte[] noCamera = TestPng.Exif(6);
        noCamera[0] = (byte)'X';
        Assert.Equal(1, ExifOrientation.Read(noCamera));
        byte[] farAway = TestPng.Exif(6);
        farAway[4] = 0xFF;
        Assert.Equal(1, ExifOrientation.Read(farAway));
        Assert.Equal(6, ExifOrientation.Read(whole));
    }

    [Fact]
    public void A_PNG_that_says_behind_its_pixels_that_it_is_turned_is_refused()
    {
        Assert.Contains("behind its pixels", FailureOf("late.png", TestPng.OfKind(3, 2, TestPng.Grey, 8, new byte[6], behind: [TestPng.Orientation(6)])), StringComparison.Ordinal);
        _reader.Decode(_folder.Write("upright.png", TestPng.OfKind(3, 2, TestPng.Grey, 8, new byte[6], behind: [TestPng.Orientation(1)])), _image);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void A_palette_of_any_depth_gives_greys_colours_or_indices(int depth)
    {
        // Nine pixels, so that rows of fewer bits end within a byte.
        int[] indices = [0, 1, 1, 0, 1, 0, 0, 0, 1];
        byte[] row = new byte[((9 * depth) + 7) / 8];
        for (int x = 0; x < 9; x++)
            row[x * depth / 8] |= (byte)(indices[x] << (8 - depth - (x * depth % 8)));
        string greys = _folder.Write("greys.png", TestPng.OfKind(9, 1, TestPng.Palette, depth, row, [TestPng.Chunk("PLTE", [200, 200, 200, 7, 7, 7])]));
        Assert.Equal((1, true), (_reader.Probe(greys).Channels, _reader.Probe(greys).IsIndexed));
        _reader.Decode(greys, _image);
        Assert.Equal(indices.Select(index => (byte)(index == 0 ? 200 : 7)), _image.Pixels.ToArray());
        _reader.Decode(greys, _image, keepIndices: true);
        Assert.Equal(indices.Select(index => (byte)index), _image.Pixels.ToArray());

        string colors = _folder.Write("colors.png", TestPng.OfKind(9, 1, TestPng.Palette, depth, row, [TestPng.Chunk("PLTE", [1, 2, 3, 4, 5, 6])]));
        Assert.Equal((3, true), (_reader.Probe(colors).Channels, _reader.Probe(colors).IsIndexed));
        _reader.Decode(colors, _image);
        Assert.Equal(indices.SelectMany(index => index == 0 ? (byte[])[1, 2, 3] : [4, 5, 6]), _image.Pixels.ToArray());

        byte[] one = TestPng.OfKind(9, 1, TestPng.Palette, depth, row, [TestPng.Chunk("PLTE", [1, 2, 3])]);
        Assert.Contains("colour 1 of a palette of 1", FailureOf("one.png", one), StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_of_a_kind_that_does_not_exist_is_damaged() =>
        Assert.Contains("doesn't exist", FailureOf("kind.png", TestPng.OfKind(2, 1, TestPng.Rgb, 4, new byte[3])), StringComparison.Ordinal);

    [Fact]
    public void What_stands_before_the_pixels_may_be_longer_than_what_is_probed_first()
    {
        byte[] file = TestPng.OfKind(3, 2, TestPng.Grey, 8, new byte[6], [TestPng.Chunk("iCCP", new byte[100_000]), TestPng.Orientation(6)]);
        Assert.Equal((2, 3), (_reader.Probe(_folder.Write("long.png", file)).Width, _reader.Probe(_folder.At("long.png")).Height));
    }

    [Fact]
    public void Only_faults_in_the_bytes_are_the_files()
    {
        Assert.True(FaultOf(_folder.Write("text.png", "hello, I am a text"u8.ToArray())).IsOfFile);
        Assert.True(FaultOf(_folder.Write("cut.png", Fixture.Bytes("rgb.png")[..^30])).IsOfFile);
        Assert.True(FaultOf(_folder.Write("cut.jpg", Fixture.Bytes("rgb.jpg")[..^200])).IsOfFile);
        Assert.True(FaultOf(_folder.Write("cut.bmp", Fixture.Bytes("rgb.bmp")[..^30])).IsOfFile);
        Assert.False(FaultOf(_folder.At("missing.png")).IsOfFile);
        Assert.False(FaultOf(_folder.Path).IsOfFile);
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
        SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(_folder.At("no.png"), _image));
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

    // A PNG costs the framework's inflater, which is no larger for a larger image.
    [LinuxTheory("On Windows .NET opens the files, by handles that are objects.")]
    [InlineData("rgb.jpg", 0)]
    [InlineData("rgb.bmp", 0)]
    [InlineData("rgb.png", 512)]
    public void Decoding_allocates_nothing_that_grows_with_the_image_once_buffers_are_there(string file, long most)
    {
        string path = Fixture.PathOf(file);
        _reader.Decode(path, _image);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int turn = 0; turn < 100; turn++)
            _reader.Decode(path, _image);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most * 100);
    }

    [Theory]
    [InlineData("rgb.jpg")]
    [InlineData("grey.jpg")]
    public void SkiaSharp_gives_the_pixels_of_libjpeg_turbo(string name)
    {
        _reader.Decode(Fixture.PathOf(name), _image);
        Assert.Equal(_image.Pixels, BySkia(Fixture.Bytes(name), _reader.Probe(Fixture.PathOf(name))).Pixels);
    }

    [LinuxTheory("It makes its JPEG file by Linux's libjpeg-turbo.")]
    [InlineData(TestJpeg.Quarter, false)]
    [InlineData(TestJpeg.HalfColumns, true)]
    [InlineData(TestJpeg.Full, true)]
    public void SkiaSharp_gives_the_pixels_of_libjpeg_turbo_for_every_sampling(int sampling, bool isProgressive)
    {
        byte[] pixels = new byte[61 * 43 * 3];
        new Random(5).NextBytes(pixels);
        string file = _folder.Write("x.jpg", TestJpeg.Of(61, 43, pixels, sampling, isProgressive: isProgressive));
        _reader.Decode(file, _image);
        Assert.Equal(_image.Pixels, BySkia(File.ReadAllBytes(file), _reader.Probe(file)).Pixels);
    }

    [LinuxFact("It makes its JPEG file by Linux's libjpeg-turbo.")]
    public void SkiaSharp_makes_RGB_of_CMYK()
    {
        string file = _folder.Write("cmyk.jpg", TestJpeg.OfCmyk(8, 8, 128, 64, 255, 128));
        ImageBuffer image = BySkia(File.ReadAllBytes(file), _reader.Probe(file));
        _reader.Decode(file, _image);
        for (int place = 0; place < image.Pixels.Length; place++)
            Assert.InRange(image.Pixels[place] - _image.Pixels[place], -2, 2);
    }

    [Fact]
    public void A_JPEG_that_is_cut_short_is_damaged_for_SkiaSharp_too()
    {
        byte[] whole = Fixture.Bytes("rgb.jpg");
        Assert.Throws<InvalidDataException>(() => BySkia(whole[..(whole.Length / 2)], _reader.Probe(Fixture.PathOf("rgb.jpg"))));
    }

    private static ImageBuffer BySkia(byte[] file, ImageInfo info)
    {
        ImageBuffer image = new();
        SkiaJpeg.Decode(file, info, new byte[info.Width * info.Height * 4], image);
        return image;
    }

    private static (int Width, int Height, int Channels) SizeOf(ImageInfo info) => (info.Width, info.Height, info.Channels);

    private SampleException FaultOf(string file) => Assert.Throws<SampleException>(() => _reader.Decode(file, _image));

    private string FailureOf(string name, byte[] bytes)
    {
        string file = _folder.Write(name, bytes);
        SampleException error = Assert.Throws<SampleException>(() => _reader.Decode(file, _image));
        Assert.Equal(file, error.Path);
        return error.Message;
    }
}
