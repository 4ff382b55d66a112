namespace RobustTrain.Data.Imaging;

/// <summary>Decodes uncompressed Windows bitmaps.</summary>
internal static class BmpDecoder
{
    /// <summary>Decodes a whole file.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices, in one channel.</param>
    /// <exception cref="SampleException">The file is damaged or truncated.</exception>
    public static void Decode(ReadOnlySpan<byte> file, string path, ImageBuffer target, bool keepIndices)
    {
        BmpHeader header = BmpHeader.Parse(file, path);
        ImageInfo info = header.Info;
        int stride = header.FileStride;
        long needed = header.PixelOffset + ((long)stride * info.Height);
        if (file.Length < needed)
            throw SampleException.OfFile($"The BMP file '{path}' is truncated: it has {file.Length} bytes, and {info} needs {needed}.", path);

        bool indices = keepIndices && info.IsIndexed;
        target.SetSize(info.Width, info.Height, indices ? 1 : info.Channels);
        for (int y = 0; y < info.Height; y++)
        {
            int fileRow = header.IsTopDown ? y : info.Height - 1 - y;
            ReadOnlySpan<byte> source = file.Slice(header.PixelOffset + (fileRow * stride), stride);
            Span<byte> row = target.Row(y);
            if (header.BitsPerPixel <= 8)
                CopyIndexed(source, row, in header, indices, path);
            else
                CopyColors(source, row, header.BitsPerPixel / 8);
        }
    }

    /// <summary>Decodes a window from the rows that hold it.</summary>
    /// <param name="rows">The file's rows that the window crosses, as they stand there; of 8 or more bits a pixel.</param>
    /// <param name="header">The file's header.</param>
    /// <param name="path">The file's path, for messages.</param>
    /// <param name="x">The window's first column.</param>
    /// <param name="target">Takes the pixels; it has the window's size.</param>
    /// <param name="indices">Whether the pixels of a palette image stay indices.</param>
    /// <exception cref="SampleException">A pixel is beyond the palette.</exception>
    public static void DecodeRows(ReadOnlySpan<byte> rows, in BmpHeader header, string path, int x, ImageBuffer target, bool indices)
    {
        int pixelBytes = header.BitsPerPixel / 8;
        for (int y = 0; y < target.Height; y++)
        {
            int fileRow = header.IsTopDown ? y : target.Height - 1 - y;
            ReadOnlySpan<byte> source = rows.Slice((fileRow * header.FileStride) + (x * pixelBytes), target.Width * pixelBytes);
            if (pixelBytes == 1)
                CopyIndexed(source, target.Row(y), in header, indices, path);
            else
                CopyColors(source, target.Row(y), pixelBytes);
        }
    }

    private static void CopyColors(ReadOnlySpan<byte> source, Span<byte> row, int pixelBytes)
    {
        for (int from = 0, to = 0; to < row.Length; from += pixelBytes, to += 3)
        {
            row[to] = source[from + 2];
            row[to + 1] = source[from + 1];
            row[to + 2] = source[from];
        }
    }

    private static void CopyIndexed(ReadOnlySpan<byte> source, Span<byte> row, in BmpHeader header, bool indices, string path)
    {
        int bits = header.BitsPerPixel;
        int mask = (1 << bits) - 1;
        for (int x = 0; x < source.Length * 8 / bits && x < header.Info.Width; x++)
        {
            int bit = x * bits;
            int index = (source[bit >> 3] >> (8 - bits - (bit & 7))) & mask;
            int entry = index * 4;
            if (entry >= header.Palette.Length)
                throw SampleException.OfFile($"The BMP file '{path}' is damaged: a pixel has colour {index} of a palette of {header.Palette.Length / 4}.", path);
            if (indices)
            {
                row[x] = (byte)index;
            }
            else if (header.Info.Channels == 1)
            {
                row[x] = header.Palette[entry];
            }
            else
            {
                row[(x * 3) + 0] = header.Palette[entry + 2];
                row[(x * 3) + 1] = header.Palette[entry + 1];
                row[(x * 3) + 2] = header.Palette[entry];
            }
        }
    }
}
