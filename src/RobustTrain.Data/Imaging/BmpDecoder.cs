using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RobustTrain.Platform;

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

/// <summary>The headers and the palette of a Windows bitmap (BITMAPFILEHEADER and BITMAPINFOHEADER or later).</summary>
internal readonly ref struct BmpHeader
{
    private const int FileHeaderBytes = 14;
    private const int InfoHeaderBytes = 40;
    private const int PaletteEntryBytes = 4;
    private const int AlphaHeaderBytes = 56;

    public required ImageInfo Info { get; init; }

    public required int BitsPerPixel { get; init; }

    public required bool IsTopDown { get; init; }

    public required int PixelOffset { get; init; }

    /// <summary>Blue, green, red and a spare byte for each colour; empty where pixels are no indices.</summary>
    public required ReadOnlySpan<byte> Palette { get; init; }

    /// <summary>The bytes of a row in the file: padded to four.</summary>
    public int FileStride => checked((int)((((long)Info.Width * BitsPerPixel) + 31) / 32 * 4));

    public static BmpHeader Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < FileHeaderBytes + InfoHeaderBytes)
            throw SampleException.OfFile($"The BMP file '{path}' is truncated: it has {bytes.Length} bytes, fewer than its header.", path);
        int offset = BinaryPrimitives.ReadInt32LittleEndian(bytes[10..]);
        int headerBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[14..]);
        if (headerBytes < InfoHeaderBytes || headerBytes > 1024 || offset < FileHeaderBytes + headerBytes)
            throw SampleException.OfFile($"The BMP file '{path}' has a header that is damaged or older than Windows 3.", path);

        int width = BinaryPrimitives.ReadInt32LittleEndian(bytes[18..]);
        int height = BinaryPrimitives.ReadInt32LittleEndian(bytes[22..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]);
        int compression = BinaryPrimitives.ReadInt32LittleEndian(bytes[30..]);
        int colors = BinaryPrimitives.ReadInt32LittleEndian(bytes[46..]);
        bool topDown = height < 0;
        if (width < 1 || height == 0 || height == int.MinValue || (long)width * Math.Abs(height) * 3 > Array.MaxLength)
            throw SampleException.OfFile($"The BMP file '{path}' claims an impossible size of {width}x{Math.Abs((long)height)} pixels.", path);
        bool plain = compression == 0 || (compression == 3 && bits == 32 && HasPlainMasks(bytes));
        if (bits is not (1 or 4 or 8 or 24 or 32) || !plain)
            throw SampleException.OfFile($"The BMP file '{path}' has {bits} bits a pixel and compression {compression}; expected 1, 4, 8, 24 or 32 bits, uncompressed.", path);

        ReadOnlySpan<byte> palette = default;
        if (bits <= 8)
        {
            int count = colors == 0 ? 1 << bits : colors;
            int start = FileHeaderBytes + headerBytes;
            if (count < 1 || count > 1 << bits || start + (count * PaletteEntryBytes) > Math.Min(offset, bytes.Length))
                throw SampleException.OfFile($"The BMP file '{path}' is truncated or damaged: its palette of {count} colours is not there.", path);
            palette = bytes.Slice(start, count * PaletteEntryBytes);
        }

        bool grey = bits <= 8 && IsGrey(palette);
        // Version 4 and later name the bits of alpha; before, the fourth byte means nothing.
        bool hasAlpha = bits == 32 && headerBytes >= AlphaHeaderBytes && bytes.Length >= 70 && BinaryPrimitives.ReadUInt32LittleEndian(bytes[66..]) != 0;
        return new BmpHeader
        {
            Info = new ImageInfo(ImageFormat.Bmp, width, Math.Abs(height), grey ? 1 : 3, IsIndexed: bits <= 8) { Depth = Math.Min(bits, 8), HasAlpha = hasAlpha },
            BitsPerPixel = bits,
            IsTopDown = topDown,
            PixelOffset = offset,
            Palette = palette,
        };
    }

    private static bool HasPlainMasks(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 66
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes[54..]) == 0x00FF0000
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes[58..]) == 0x0000FF00
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes[62..]) == 0x000000FF;

    private static bool IsGrey(ReadOnlySpan<byte> palette)
    {
        for (int entry = 0; entry < palette.Length; entry += PaletteEntryBytes)
        {
            if (palette[entry] != palette[entry + 1] || palette[entry] != palette[entry + 2])
                return false;
        }

        return true;
    }
}

/// <summary>
/// Reads a window of a bitmap without the rest of it: the rows that it crosses stand side by side in the file. For who may not keep
/// whole images. It keeps its buffer; one thread at a time.
/// </summary>
internal sealed unsafe class BmpWindowReader
{
    // The largest header with the largest palette: 14 + 1024 + 4 x 256, rounded up.
    private const int HeaderBytes = 4096;

    private byte[] _bytes = new byte[HeaderBytes];

    /// <summary>Reads a window.</summary>
    /// <param name="path">The file.</param>
    /// <param name="x">Its first column.</param>
    /// <param name="y">Its first row.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices, in one channel.</param>
    /// <returns>Whether the file is a bitmap that can be read like this, of 8 bits a pixel or more; if not, nothing was read.</returns>
    /// <exception cref="SampleException">The file can't be read, is damaged, or does not hold the window.</exception>
    public bool TryRead(string path, int x, int y, int width, int height, ImageBuffer target, bool keepIndices)
    {
        int descriptor = PosixFile.Open(path);
        if (descriptor < 0)
            throw new SampleException($"The file '{path}' {FileBytes.Reason(Marshal.GetLastPInvokeError())}.", path);
        try
        {
            byte* space = stackalloc byte[HeaderBytes];
            Span<byte> start = new(space, ReadAt(descriptor, space, HeaderBytes, 0, path));
            if (!start.StartsWith("BM"u8))
                return false;
            BmpHeader header = BmpHeader.Parse(start, path);
            if (header.BitsPerPixel < 8)
                return false;
            ImageInfo info = header.Info;
            if (x < 0 || y < 0 || x + width > info.Width || y + height > info.Height)
                throw new SampleException($"The BMP file '{path}' is {info}; the window of {width}x{height} pixels at ({x}, {y}) is not in it.", path);
            int length = checked(header.FileStride * height);
            if (_bytes.Length < length)
                _bytes = GC.AllocateUninitializedArray<byte>(length);
            long firstRow = header.IsTopDown ? y : info.Height - y - height;
            fixed (byte* rows = _bytes)
            {
                if (ReadAt(descriptor, rows, length, header.PixelOffset + (firstRow * header.FileStride), path) < length)
                    throw SampleException.OfFile($"The BMP file '{path}' is truncated: it ends within the window of {width}x{height} pixels at ({x}, {y}).", path);
            }

            bool indices = keepIndices && info.IsIndexed;
            target.SetSize(width, height, indices ? 1 : info.Channels);
            BmpDecoder.DecodeRows(_bytes.AsSpan(0, length), in header, path, x, target, indices);
            return true;
        }
        finally
        {
            PosixFile.Close(descriptor);
        }
    }

    private static int ReadAt(int descriptor, byte* target, int count, long offset, string path)
    {
        int done = 0;
        while (done < count)
        {
            nint read = PosixFile.ReadAt(descriptor, target + done, (nuint)(count - done), offset + done);
            if (read == 0)
                break;
            if (read > 0)
                done += (int)read;
            else if (Marshal.GetLastPInvokeError() != PosixError.Interrupted)
                throw new SampleException($"The file '{path}' {FileBytes.Reason(Marshal.GetLastPInvokeError())}.", path);
        }

        return done;
    }
}
