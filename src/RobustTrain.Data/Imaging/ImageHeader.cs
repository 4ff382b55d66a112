using System.Buffers.Binary;

namespace RobustTrain.Data.Imaging;

/// <summary>Reads what an image is from its first bytes, and refuses what can't be decoded, naming it.</summary>
internal static class ImageHeader
{
    private const byte MarkerStart = 0xFF;
    private const byte App1 = 0xE1;

    private static ReadOnlySpan<byte> PngSignature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegSignature => [0xFF, 0xD8, 0xFF];

    private static ReadOnlySpan<byte> ExifStart => "Exif\0\0"u8;

    /// <summary>Parses a header.</summary>
    /// <param name="bytes">The file, or its beginning.</param>
    /// <param name="path">The file's path, for the message.</param>
    /// <returns>The image, or null where what says all of it, or its pixels, stands beyond <paramref name="bytes"/>.</returns>
    /// <exception cref="SampleException">It is no image, or of a kind that can't be decoded.</exception>
    public static ImageInfo? Parse(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.IsEmpty)
            throw SampleException.OfFile($"The file '{path}' is empty; expected a PNG, JPEG or BMP image.", path);
        if (bytes.StartsWith(PngSignature))
            return PngHeader.TryParse(bytes, path, out PngHeader png) ? png.Info : null;
        if (bytes.StartsWith(JpegSignature))
            return ParseJpeg(bytes, path);
        if (bytes.StartsWith("BM"u8))
            return BmpHeader.Parse(bytes, path).Info;
        throw SampleException.OfFile($"The file '{path}' is not an image: it begins like neither PNG, JPEG nor BMP.", path);
    }

    /// <summary>Refuses a size that no image that fits into memory has.</summary>
    public static void CheckSize(uint width, uint height, string path)
    {
        if (width == 0 || height == 0 || (ulong)width * height * 3 > (ulong)Array.MaxLength)
            throw SampleException.OfFile($"The file '{path}' claims an impossible size of {width}x{height} pixels.", path);
    }

    private static ImageInfo? ParseJpeg(ReadOnlySpan<byte> bytes, string path)
    {
        // The frame header (SOF0 to SOF15 without DHT, JPG and DAC) says the size: ITU T.81, B.2.2.
        int position = 2;
        int orientation = ExifOrientation.Upright;
        while (position + 9 < bytes.Length)
        {
            if (bytes[position] != MarkerStart)
                throw SampleException.OfFile($"The JPEG file '{path}' is damaged: no marker where one is due, at byte {position}.", path);
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
                if (depth != 8 || components is not (1 or 3 or 4))
                    throw SampleException.OfFile($"The JPEG file '{path}' has {components} channels of {depth} bits; expected 8-bit grey, RGB or CMYK.", path);
                return new ImageInfo(ImageFormat.Jpeg, width, height, components == 1 ? 1 : 3) { IsCmyk = components == 4 }.TurnedBy(orientation);
            }

            if (marker == 0xD9)
                throw SampleException.OfFile($"The JPEG file '{path}' ends before its frame header.", path);
            bool standsAlone = marker is 0x01 or (>= 0xD0 and <= 0xD8);
            int length = standsAlone ? 0 : BinaryPrimitives.ReadUInt16BigEndian(bytes[(position + 2)..]);
            if (marker == App1 && length >= 2 && length <= bytes.Length - position - 2)
            {
                ReadOnlySpan<byte> data = bytes.Slice(position + 4, length - 2);
                if (data.StartsWith(ExifStart))
                    orientation = ExifOrientation.Read(data[ExifStart.Length..]);
            }

            position += 2 + length;
        }

        return null;
    }
}
