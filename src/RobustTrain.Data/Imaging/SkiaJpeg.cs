using SkiaSharp;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Decodes JPEG by SkiaSharp, which TorchSharp brings along: the same pixels as libjpeg-turbo, two to three times as slow. A scan whose bytes
/// are wrong but whole passes here, for Skia keeps libjpeg's warnings to itself.
/// </summary>
internal static class SkiaJpeg
{
    /// <summary>Decodes an image in the rows and columns of its file.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="info">What its header says.</param>
    /// <param name="rgba">Memory for four bytes a pixel; unused for greys.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <exception cref="InvalidDataException">The file is damaged or truncated; the message is Skia's word for it.</exception>
    public static unsafe void Decode(ReadOnlySpan<byte> file, ImageInfo info, Span<byte> rgba, ImageBuffer target)
    {
        (int width, int height) = info.StoredSize;
        target.SetSize(width, height, info.Channels);
        fixed (byte* bytes = file)
        fixed (byte* pixels = info.Channels == 1 ? target.Pixels : rgba)
        {
            using SKData data = SKData.Create((nint)bytes, file.Length);
            using SKCodec? codec = SKCodec.Create(data);
            SKImageInfo format = new(width, height, info.Channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
            SKCodecResult result = codec?.GetPixels(format, (nint)pixels) ?? SKCodecResult.InvalidInput;
            if (result != SKCodecResult.Success)
                throw new InvalidDataException(result.ToString());
        }

        if (info.Channels == 1)
            return;
        Span<byte> colors = target.Pixels;
        for (int from = 0, to = 0; to < colors.Length; from += 4, to += 3)
            rgba.Slice(from, 3).CopyTo(colors[to..]);
    }
}
