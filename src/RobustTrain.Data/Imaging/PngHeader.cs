using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>What stands before the pixels of a PNG (PNG specification, 11.2 and 11.3): size and kind, palette, transparency, orientation.</summary>
internal readonly ref struct PngHeader
{
    public const int ColorGrey = 0;
    public const int ColorRgb = 2;
    public const int ColorPalette = 3;
    public const int ColorGreyAlpha = 4;
    public const int ColorRgbAlpha = 6;

    private const int SignatureBytes = 8;
    private const int FrameBytes = 12;
    private const int HeaderDataBytes = 13;

    public required ImageInfo Info { get; init; }

    public required int ColorType { get; init; }

    /// <summary>Whether the rows come in Adam7's seven passes.</summary>
    public required bool IsInterlaced { get; init; }

    /// <summary>Red, green and blue of each colour; empty where pixels are no indices.</summary>
    public required ReadOnlySpan<byte> Palette { get; init; }

    /// <summary>Where the first chunk of pixels stands.</summary>
    public required int PixelsAt { get; init; }

    /// <summary>Values that a pixel has in the file.</summary>
    public int SamplesPerPixel => ColorType switch
    {
        ColorRgb => 3,
        ColorGreyAlpha => 2,
        ColorRgbAlpha => 4,
        _ => 1,
    };

    /// <summary>The bytes of a row in the file's own format.</summary>
    public int Stride => StrideOf(Info.StoredSize.Width);

    /// <summary>Bits that a pixel has in the file.</summary>
    public int PixelBits => SamplesPerPixel * Info.Depth;

    /// <summary>The bytes of so many pixels side by side.</summary>
    public int StrideOf(int width) => checked((int)((((long)width * PixelBits) + 7) / 8));

    /// <summary>Reads it; sums of chunks are left to who decodes the pixels.</summary>
    /// <param name="bytes">The file, or its beginning.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="header">What it says.</param>
    /// <returns>Whether the pixels begin within <paramref name="bytes"/>.</returns>
    /// <exception cref="SampleException">It is damaged, or of a kind that can't be decoded.</exception>
    public static bool TryParse(ReadOnlySpan<byte> bytes, string path, out PngHeader header)
    {
        header = default;
        const int headerEnd = SignatureBytes + 8 + HeaderDataBytes;
        if (bytes.Length < headerEnd || !bytes[12..16].SequenceEqual("IHDR"u8) || BinaryPrimitives.ReadInt32BigEndian(bytes[8..]) != HeaderDataBytes)
            throw SampleException.OfFile($"The PNG file '{path}' is truncated or damaged: it has no header.", path);
        ReadOnlySpan<byte> data = bytes.Slice(SignatureBytes + 8, HeaderDataBytes);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        (int depth, int color) = (data[8], data[9]);
        ImageHeader.CheckSize(width, height, path);
        bool isKnown = (color, depth) is (ColorGrey, 1 or 2 or 4 or 8 or 16) or (ColorPalette, 1 or 2 or 4 or 8) or (ColorRgb or ColorGreyAlpha or ColorRgbAlpha, 8 or 16);
        if (!isKnown)
            throw SampleException.OfFile($"The PNG file '{path}' is damaged: its header says colour type {color} of {depth} bits, which doesn't exist.", path);
        if (data[10] != 0 || data[11] != 0 || data[12] > 1)
            throw SampleException.OfFile($"The PNG file '{path}' is damaged: its header says compression {data[10]}, filters {data[11]} and interlacing {data[12]}; expected 0, 0 and 0 or 1.", path);

        ReadOnlySpan<byte> palette = default;
        bool hasAlpha = color is ColorGreyAlpha or ColorRgbAlpha;
        int orientation = ExifOrientation.Upright;
        int position = headerEnd + 4;
        while (TryReadFrame(bytes, position, out uint length, out ReadOnlySpan<byte> type))
        {
            if (type.SequenceEqual("IDAT"u8) || type.SequenceEqual("IEND"u8))
            {
                header = new PngHeader
                {
                    Info = InfoOf((int)width, (int)height, depth, color, palette, path) with { HasAlpha = hasAlpha },
                    ColorType = color,
                    IsInterlaced = data[12] == 1,
                    Palette = palette,
                    PixelsAt = position,
                };
                header = header with { Info = header.Info.TurnedBy(orientation) };
                return true;
            }

            if (length > bytes.Length - position - FrameBytes)
                return false;
            ReadOnlySpan<byte> chunk = bytes.Slice(position + 8, (int)length);
            if (color == ColorPalette && type.SequenceEqual("PLTE"u8) && palette.IsEmpty)
                palette = chunk;
            else if (type.SequenceEqual("tRNS"u8))
                hasAlpha |= color != ColorPalette || chunk.IndexOfAnyExcept(byte.MaxValue) >= 0;
            else if (type.SequenceEqual("eXIf"u8))
                orientation = ExifOrientation.Read(chunk);
            position += FrameBytes + (int)length;
        }

        return false;
    }

    /// <summary>
    /// Whether the file says only behind its pixels that it is to be turned, which the specification allows. Opening a dataset reads files'
    /// beginnings, so that nobody would have been told.
    /// </summary>
    public bool IsTurnedLate(ReadOnlySpan<byte> file)
    {
        int position = PixelsAt;
        while (TryReadFrame(file, position, out uint length, out ReadOnlySpan<byte> type) && length <= file.Length - position - FrameBytes)
        {
            if (type.SequenceEqual("eXIf"u8) && ExifOrientation.Read(file.Slice(position + 8, (int)length)) != ExifOrientation.Upright)
                return true;
            position += FrameBytes + (int)length;
        }

        return false;
    }

    private static bool TryReadFrame(ReadOnlySpan<byte> bytes, int position, out uint length, out ReadOnlySpan<byte> type)
    {
        length = 0;
        type = default;
        if (position > bytes.Length - 8)
            return false;
        length = BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]);
        type = bytes.Slice(position + 4, 4);
        return true;
    }

    private static ImageInfo InfoOf(int width, int height, int depth, int color, ReadOnlySpan<byte> palette, string path)
    {
        if (color != ColorPalette)
            return new ImageInfo(ImageFormat.Png, width, height, color is ColorGrey or ColorGreyAlpha ? 1 : 3) { Depth = depth };
        if (palette.IsEmpty || palette.Length % 3 != 0 || palette.Length > 3 << depth)
            throw SampleException.OfFile($"The PNG file '{path}' is damaged: its palette has {palette.Length} bytes; expected 3 for each of 1 to {1 << depth} colours.", path);
        return new ImageInfo(ImageFormat.Png, width, height, IsGrey(palette) ? 1 : 3, IsIndexed: true) { Depth = depth };
    }

    private static bool IsGrey(ReadOnlySpan<byte> palette)
    {
        for (int entry = 0; entry < palette.Length; entry += 3)
        {
            if (palette[entry] != palette[entry + 1] || palette[entry] != palette[entry + 2])
                return false;
        }

        return true;
    }
}

/// <summary>Makes 8-bit grey, RGB or indices of the rarer kinds of PNG pixels: palettes, greys of fewer than 8 bits, 16 bits, alpha.</summary>
internal static class PngPixels
{
    /// <summary>Converts an image.</summary>
    /// <param name="rows">Its rows in the file's own format, 16-bit samples big-endian.</param>
    /// <param name="header">What the file says of them.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="target">Takes the pixels; it has the image's size.</param>
    /// <param name="indices">Whether the pixels of a palette image stay indices.</param>
    /// <exception cref="SampleException">A pixel is beyond the palette.</exception>
    public static void Convert(ReadOnlySpan<byte> rows, in PngHeader header, string path, ImageBuffer target, bool indices)
    {
        int stride = header.Stride;
        for (int y = 0; y < target.Height; y++)
        {
            ReadOnlySpan<byte> source = rows.Slice(y * stride, stride);
            if (header.ColorType == PngHeader.ColorPalette)
                ConvertIndices(source, header, path, target.Row(y), indices);
            else
                ConvertSamples(source, header, target.Row(y), target.Channels);
        }
    }

    private static void ConvertIndices(ReadOnlySpan<byte> source, in PngHeader header, string path, Span<byte> row, bool indices)
    {
        int bits = header.Info.Depth;
        int channels = indices ? 1 : header.Info.Channels;
        for (int x = 0, to = 0; to < row.Length; x++, to += channels)
        {
            int index = BitsAt(source, x, bits);
            if (index * 3 >= header.Palette.Length)
                throw SampleException.OfFile($"The PNG file '{path}' is damaged: a pixel has colour {index} of a palette of {header.Palette.Length / 3}.", path);
            if (indices)
                row[to] = (byte)index;
            else
                header.Palette.Slice(index * 3, channels).CopyTo(row[to..]);
        }
    }

    private static void ConvertSamples(ReadOnlySpan<byte> source, in PngHeader header, Span<byte> row, int channels)
    {
        int samples = header.SamplesPerPixel;
        if (header.Info.Depth == 8)
        {
            for (int from = 0, to = 0; to < row.Length; from += samples, to += channels)
                source.Slice(from, channels).CopyTo(row[to..]);
            return;
        }

        if (header.Info.Depth < 8)
        {
            int most = (1 << header.Info.Depth) - 1;
            for (int x = 0; x < row.Length; x++)
                row[x] = (byte)(BitsAt(source, x, header.Info.Depth) * 255 / most);
            return;
        }

        for (int from = 0, to = 0; to < row.Length; from += samples, to += channels)
        {
            for (int channel = 0; channel < channels; channel++)
                row[to + channel] = (byte)(((BinaryPrimitives.ReadUInt16BigEndian(source[((from + channel) * 2)..]) * 255) + 32767) / 65535);
        }
    }

    private static int BitsAt(ReadOnlySpan<byte> row, int x, int bits) => (row[x * bits / 8] >> (8 - bits - (x * bits % 8))) & ((1 << bits) - 1);
}
