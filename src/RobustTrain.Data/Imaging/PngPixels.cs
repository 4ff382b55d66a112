using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>Makes 8-bit grey, RGB or indices of the rarer kinds of PNG pixels: palettes of any depth, 16 bits, alpha.</summary>
internal static class PngPixels
{
    /// <summary>The bytes of a row as libspng gives it in the file's own format.</summary>
    public static int StrideOf(in PngHeader header) =>
        checked((int)((((long)header.Info.StoredSize.Width * SamplesOf(header.ColorType) * header.Info.Depth) + 7) / 8));

    /// <summary>Converts an image.</summary>
    /// <param name="rows">Its rows in the file's own format, 16-bit samples in the machine's order of bytes.</param>
    /// <param name="header">What the file says of them.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="target">Takes the pixels; it has the image's size.</param>
    /// <param name="indices">Whether the pixels of a palette image stay indices.</param>
    /// <exception cref="SampleException">A pixel is beyond the palette.</exception>
    public static void Convert(ReadOnlySpan<byte> rows, in PngHeader header, string path, ImageBuffer target, bool indices)
    {
        int stride = StrideOf(header);
        for (int y = 0; y < target.Height; y++)
        {
            ReadOnlySpan<byte> source = rows.Slice(y * stride, stride);
            if (header.ColorType == PngHeader.ColorPalette)
                ConvertIndices(source, header, path, target.Row(y), indices);
            else
                ConvertSamples(source, header, target.Row(y), target.Channels);
        }
    }

    private static int SamplesOf(int colorType) => colorType switch
    {
        PngHeader.ColorRgb => 3,
        PngHeader.ColorGreyAlpha => 2,
        PngHeader.ColorRgbAlpha => 4,
        _ => 1,
    };

    private static void ConvertIndices(ReadOnlySpan<byte> source, in PngHeader header, string path, Span<byte> row, bool indices)
    {
        int bits = header.Info.Depth;
        int mask = (1 << bits) - 1;
        int channels = indices ? 1 : header.Info.Channels;
        for (int x = 0, to = 0; to < row.Length; x++, to += channels)
        {
            int bit = x * bits;
            int index = (source[bit >> 3] >> (8 - bits - (bit & 7))) & mask;
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
        int samples = SamplesOf(header.ColorType);
        if (header.Info.Depth == 8)
        {
            for (int from = 0, to = 0; to < row.Length; from += samples, to += channels)
                source.Slice(from, channels).CopyTo(row[to..]);
            return;
        }

        ReadOnlySpan<ushort> deep = MemoryMarshal.Cast<byte, ushort>(source);
        for (int from = 0, to = 0; to < row.Length; from += samples, to += channels)
        {
            for (int channel = 0; channel < channels; channel++)
                row[to + channel] = (byte)(((deep[from + channel] * 255) + 32767) / 65535);
        }
    }
}
