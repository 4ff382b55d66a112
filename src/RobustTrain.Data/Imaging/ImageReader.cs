using System.Runtime.InteropServices;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Reads images: PNG, JPEG and BMP, told apart by content and not by the file's name. What comes out is 8-bit grey or RGB, turned as a
/// viewer shows it; <see cref="ImageInfo.Conversions"/> says what that takes.
/// It keeps its buffers from image to image; one reader serves one thread at a time.
/// </summary>
public sealed class ImageReader : IDisposable
{
    private readonly FileBytes _file = new();
    private readonly PngRows _png = new();
    private TurboJpegHandle? _jpeg;
    private ImageBuffer? _stored;
    private byte[] _raw = [];

    /// <summary>Keeps what <see cref="Read"/> decodes; null decodes each time.</summary>
    public ImageCache? Cache { get; init; }

    /// <summary>Reads what the header of an image says, and not the pixels.</summary>
    /// <exception cref="SampleException">The file is missing, unreadable, or no image that can be decoded.</exception>
    public ImageInfo Probe(string path)
    {
        foreach (int limit in ProbeBytes)
        {
            _file.Read(path, limit);
            if (ImageHeader.Parse(_file.Span, path) is ImageInfo info)
                return info;
            if (_file.Span.Length < limit)
                break;
        }

        throw Truncated(path, _file.Span);
    }

    /// <summary>Gives an image: from the cache where it is there, else decoded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="target">Takes the pixels, unless the cache has them in memory.</param>
    /// <param name="keepIndices">As for <see cref="Decode"/>.</param>
    /// <returns>The image, which only its owner may change: <paramref name="target"/>, or the cache's own.</returns>
    /// <exception cref="SampleException">As of <see cref="Decode"/>.</exception>
    public ImageBuffer Read(string path, ImageBuffer target, bool keepIndices = false)
    {
        if (Cache is not null)
            return Cache.Read(this, path, target, keepIndices);
        Decode(path, target, keepIndices);
        return target;
    }

    /// <summary>A file's bytes, until the next file is read.</summary>
    /// <exception cref="SampleException">It can't be read.</exception>
    internal ReadOnlySpan<byte> ReadBytes(string path)
    {
        _file.Read(path);
        return _file.Span;
    }

    /// <summary>Decodes an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices, in one channel, as class maps want; else they become colours.</param>
    /// <exception cref="SampleException">The file is missing, unreadable, no image, damaged or truncated.</exception>
    public void Decode(string path, ImageBuffer target, bool keepIndices = false)
    {
        using (StageClock.Enter(LoadStage.Read))
            _file.Read(path);
        using (StageClock.Enter(LoadStage.Decode))
        {
            ImageInfo info = ImageHeader.Parse(_file.Span, path) ?? throw Truncated(path, _file.Span);
            bool isTurned = info.Orientation != ExifOrientation.Upright;
            ImageBuffer stored = isTurned ? _stored ??= new ImageBuffer() : target;
            switch (info.Format)
            {
                case ImageFormat.Bmp:
                    BmpDecoder.Decode(_file.Span, path, stored, keepIndices);
                    break;
                case ImageFormat.Png:
                    DecodePng(path, stored, keepIndices);
                    break;
                case ImageFormat.Jpeg when ImageLibraries.HasTurboJpeg || !OperatingSystem.IsWindows():
                    DecodeJpeg(path, stored);
                    break;
                default:
                    DecodeJpegBySkia(path, info, stored);
                    break;
            }

            if (isTurned)
                ExifOrientation.Apply(stored, info.Orientation, target);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _jpeg?.Dispose();

    // Nearly every header fits into the first; a camera's EXIF with its preview, or a colour profile, into the second.
    private static ReadOnlySpan<int> ProbeBytes => [4096, 256 * 1024, int.MaxValue];

    private static SampleException Truncated(string path, ReadOnlySpan<byte> file) =>
        SampleException.OfFile($"The {(file[0] == 0xFF ? "JPEG" : "PNG")} file '{path}' is truncated or damaged: it ends within its header.", path);

    // Cameras and old encoders leave these behind in files whose every pixel is there; a truncated or corrupt scan says something else.
    private static bool IsHarmless(string warning) =>
        warning.Contains("extraneous bytes", StringComparison.Ordinal)
        || warning.Contains("SOS parameters", StringComparison.Ordinal)
        || warning.Contains("JFIF", StringComparison.Ordinal)
        || warning.Contains("Adobe", StringComparison.Ordinal);

    private void DecodePng(string path, ImageBuffer target, bool keepIndices)
    {
        if (!PngHeader.TryParse(_file.Span, path, out PngHeader header))
            throw Truncated(path, _file.Span);
        if (header.IsTurnedLate(_file.Span))
            throw SampleException.OfFile($"The PNG file '{path}' has its EXIF orientation behind its pixels, where it is not looked for; turn the pixels, or write it before them.", path);
        ImageInfo info = header.Info;
        bool indices = keepIndices && info.IsIndexed;
        target.SetSize(info.StoredSize.Width, info.StoredSize.Height, indices ? 1 : info.Channels);
        bool isPlain = info.Depth == 8 && header.ColorType is (PngHeader.ColorGrey or PngHeader.ColorRgb);
        Span<byte> rows = isPlain ? target.Pixels : Raw((long)header.Stride * target.Height, path);
        try
        {
            _png.Decode(_file.Memory, header, rows);
        }
        catch (InvalidDataException damage)
        {
            throw SampleException.OfFile($"The PNG file '{path}' is damaged or truncated: {damage.Message.TrimEnd('.')}.", path);
        }

        if (!isPlain)
            PngPixels.Convert(rows, header, path, target, indices);
    }

    private Span<byte> Raw(long length, string path)
    {
        if (length > Array.MaxLength)
            throw SampleException.OfFile($"The image '{path}' is too large: its pixels need {length} bytes before they are converted; expected at most 2 GiB.", path);
        if (_raw.Length < length)
            _raw = GC.AllocateUninitializedArray<byte>((int)length);
        return _raw.AsSpan(0, (int)length);
    }

    private unsafe void DecodeJpeg(string path, ImageBuffer target)
    {
        _jpeg ??= new TurboJpegHandle();
        CULong length = new((nuint)_file.Span.Length);
        fixed (byte* file = _file.Span)
        {
            // A file cut off before its scan passes as "tables only", without a size.
            if (TurboJpegNative.DecompressHeader3(_jpeg, file, length, out int width, out int height, out _, out int colorspace) != 0 || width < 1 || height < 1)
                throw DamagedJpeg(path, _jpeg.LastError);
            if (colorspace is TurboJpegNative.ColorspaceCmyk or TurboJpegNative.ColorspaceYcck)
            {
                DecodeCmyk(path, file, length, width, height, target);
                return;
            }

            bool grey = colorspace == TurboJpegNative.ColorspaceGray;
            target.SetSize(width, height, grey ? 1 : 3);
            fixed (byte* pixels = target.Pixels)
            {
                int format = grey ? TurboJpegNative.PixelFormatGray : TurboJpegNative.PixelFormatRgb;
                if (!IsWhole(TurboJpegNative.Decompress2(_jpeg, file, length, pixels, width, 0, height, format, 0), out string error))
                    throw DamagedJpeg(path, error);
            }
        }
    }

    private void DecodeJpegBySkia(string path, ImageInfo info, ImageBuffer target)
    {
        try
        {
            SkiaJpeg.Decode(_file.Span, info, Raw(info.Channels == 1 ? 0 : (long)info.Width * info.Height * 4, path), target);
        }
        catch (InvalidDataException damage)
        {
            throw SampleException.OfFile($"The JPEG file '{path}' is damaged or truncated: SkiaSharp says \"{damage.Message}\".", path);
        }
    }

    // Every writer of CMYK JPEGs that matters, Adobe's first, stores the light that is left and not the ink: 255 is none.
    private unsafe void DecodeCmyk(string path, byte* file, CULong length, int width, int height, ImageBuffer target)
    {
        Span<byte> light = Raw((long)width * height * 4, path);
        fixed (byte* pixels = light)
        {
            if (!IsWhole(TurboJpegNative.Decompress2(_jpeg!, file, length, pixels, width, 0, height, TurboJpegNative.PixelFormatCmyk, 0), out string error))
                throw DamagedJpeg(path, error);
        }

        target.SetSize(width, height, 3);
        Span<byte> colors = target.Pixels;
        for (int from = 0, to = 0; to < colors.Length; from += 4, to += 3)
        {
            int black = light[from + 3];
            for (int channel = 0; channel < 3; channel++)
                colors[to + channel] = (byte)(((light[from + channel] * black) + 127) / 255);
        }
    }

    // libjpeg-turbo 2.1 leaves a decompressor in the middle of a header that it refuses, and would refuse every later file for it.
    private SampleException DamagedJpeg(string path, string error)
    {
        _jpeg?.Dispose();
        _jpeg = null;
        // It has no code for this, but two fixed texts: one of libjpeg and one of its own.
        if (error.Contains("Insufficient memory", StringComparison.Ordinal) || error.Contains("Memory allocation failure", StringComparison.Ordinal))
            throw new OutOfMemoryException("libjpeg-turbo could not decode an image: memory is short.");
        return SampleException.OfFile($"The JPEG file '{path}' is damaged or truncated: libjpeg-turbo says \"{error}\".", path);
    }

    private bool IsWhole(int result, out string error)
    {
        error = result == 0 ? "" : _jpeg!.LastError;
        return result == 0 || (TurboJpegNative.GetErrorCode(_jpeg!) == TurboJpegNative.ErrorIsWarning && IsHarmless(error));
    }
}
