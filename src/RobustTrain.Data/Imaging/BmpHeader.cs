using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

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
