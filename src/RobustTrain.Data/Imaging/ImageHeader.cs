using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>Reads what an image is from its first bytes, and refuses what can't be decoded, naming it.</summary>
internal static class ImageHeader
{
    private const byte MarkerStart = 0xFF;

    private static ReadOnlySpan<byte> PngSignature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegSignature => [0xFF, 0xD8, 0xFF];

    /// <summary>Parses a header.</summary>
    /// <param name="bytes">The file, or its beginning.</param>
    /// <param name="path">The file's path, for the message.</param>
    /// <returns>The image, or null where a JPEG's frame header stands beyond <paramref name="bytes"/>.</returns>
    /// <exception cref="SampleException">It is no image, or of a kind that can't be decoded.</exception>
    public static ImageInfo? Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.IsEmpty)
            throw new SampleException($"The file '{path}' is empty; expected a PNG, JPEG or BMP image.", path);
        if (bytes.StartsWith(PngSignature))
            return ParsePng(bytes, path);
        if (bytes.StartsWith(JpegSignature))
            return ParseJpeg(bytes, path);
        if (bytes.StartsWith("BM"u8))
            return BmpHeader.Parse(bytes, path).Info;
        throw new SampleException($"The file '{path}' is not an image: it begins like neither PNG, JPEG nor BMP.", path);
    }

    private static ImageInfo ParsePng(ReadOnlySpan<byte> bytes, string path)
    {
        const int headerEnd = 26;
        if (bytes.Length < headerEnd || !bytes[12..16].SequenceEqual("IHDR"u8))
            throw new SampleException($"The PNG file '{path}' is truncated or damaged: it has no header.", path);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        int depth = bytes[24];
        int colorType = bytes[25];
        CheckSize(width, height, path);
        return (colorType, depth) switch
        {
            (0, <= 8) => new ImageInfo(ImageFormat.Png, (int)width, (int)height, 1),
            (2, 8) => new ImageInfo(ImageFormat.Png, (int)width, (int)height, 3),
            (3, _) => new ImageInfo(ImageFormat.Png, (int)width, (int)height, 3, IsIndexed: true),
            (4 or 6, _) => throw new SampleException($"The PNG file '{path}' has an alpha channel; expected 8-bit grey or RGB.", path),
            _ => throw new SampleException($"The PNG file '{path}' has {depth} bits a channel; expected 8-bit grey or RGB.", path),
        };
    }

    private static ImageInfo? ParseJpeg(ReadOnlySpan<byte> bytes, string path)
    {
        // The frame header (SOF0 to SOF15 without DHT, JPG and DAC) says the size: ITU T.81, B.2.2.
        int position = 2;
        while (position + 9 < bytes.Length)
        {
            if (bytes[position] != MarkerStart)
                throw new SampleException($"The JPEG file '{path}' is damaged: no marker where one is due, at byte {position}.", path);
            byte marker = bytes[position + 1];
            if (marker == MarkerStart)
            {
                position++;
                continue;
            }

            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                int depth = bytes[position + 4];
                int height = BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 5)..]);
                int width = BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 7)..]);
                int components = bytes[position + 9];
                CheckSize((uint)width, (uint)height, path);
                if (depth != 8 || components is not (1 or 3))
                    throw new SampleException($"The JPEG file '{path}' has {components} channels of {depth} bits; expected 8-bit grey or RGB.", path);
                return new ImageInfo(ImageFormat.Jpeg, width, height, components);
            }

            if (marker == 0xD9)
                throw new SampleException($"The JPEG file '{path}' ends before its frame header.", path);
            bool standsAlone = marker is 0x01 or (>= 0xD0 and <= 0xD8);
            position += 2 + (standsAlone ? 0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 2)..]));
        }

        return null;
    }

    private static void CheckSize(uint width, uint height, string path)
    {
        if (width == 0 || height == 0 || (ulong)width * height * 3 > (ulong)Array.MaxLength)
            throw new SampleException($"The file '{path}' claims an impossible size of {width}x{height} pixels.", path);
    }
}
