using System.Runtime.InteropServices;
using RobustTrain.Data.Loading;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Reads images: PNG, JPEG and BMP, 8-bit grey or RGB, told apart by content and not by the file's name.
/// It keeps its buffers from image to image; one reader serves one thread at a time.
/// </summary>
public sealed class ImageReader : IDisposable
{
    // Every PNG and BMP header fits, and so do most JPEG headers without an embedded preview.
    private const int ProbeBytes = 4096;

    private readonly FileBytes _file = new();
    private readonly bool _isBare;
    private TurboJpegHandle? _jpeg;
    private PngDecoder? _png;

    /// <summary>A reader.</summary>
    public ImageReader()
        : this(isBare: false)
    {
    }

    /// <summary>A reader that leaves every PNG to libspng, to compare with.</summary>
    internal ImageReader(bool isBare) => _isBare = isBare;

    /// <summary>Reads what the header of an image says, and not the pixels.</summary>
    /// <exception cref="SampleException">The file is missing, unreadable, or no image that can be decoded.</exception>
    public ImageInfo Probe(string path)
    {
        _file.Read(path, ProbeBytes);
        ImageInfo? info = ImageHeader.Parse(_file.Span, path);
        if (info is null)
        {
            _file.Read(path);
            info = ImageHeader.Parse(_file.Span, path);
        }

        return info ?? throw Truncated(path);
    }

    /// <summary>Decodes an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="target">Takes the pixels.</param>
    /// <param name="keepIndices">Whether the pixels of a palette image stay indices, in one channel, as class maps want; else they become colours.</param>
    /// <exception cref="SampleException">The file is missing, unreadable, no image, damaged or truncated.</exception>
    public void Decode(string path, ImageBuffer target, bool keepIndices = false) => Decode(path, target, keepIndices, takesPlanes: false);

    /// <summary>Decodes an image for a reader of planes: the usual kinds of JPEG are left in theirs, which saves a seventh of the time.</summary>
    /// <inheritdoc cref="Decode(string, ImageBuffer, bool)"/>
    internal void DecodePlanes(string path, ImageBuffer target) => Decode(path, target, keepIndices: false, takesPlanes: true);

    private void Decode(string path, ImageBuffer target, bool keepIndices, bool takesPlanes)
    {
        using (StageClock.Enter(LoadStage.Read))
            _file.Read(path);
        using (StageClock.Enter(LoadStage.Decode))
        {
            ImageInfo info = ImageHeader.Parse(_file.Span, path) ?? throw Truncated(path);
            switch (info.Format)
            {
                case ImageFormat.Bmp:
                    BmpDecoder.Decode(_file.Span, path, target, keepIndices);
                    break;
                case ImageFormat.Png:
                    DecodePng(path, info, target, keepIndices);
                    break;
                default:
                    DecodeJpeg(path, target, takesPlanes);
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _jpeg?.Dispose();
        _png?.Dispose();
    }

    private static SampleException Truncated(string path) => new($"The JPEG file '{path}' is truncated: it ends within its header.", path);

    // libjpeg-turbo does not interpolate the colours of images of up to four columns.
    private static ChromaSampling? ChromaOf(int sampling, int colorspace, int width) => (sampling, colorspace) switch
    {
        (TurboJpegNative.Sampling444, TurboJpegNative.ColorspaceYCbCr) => ChromaSampling.Full,
        (TurboJpegNative.Sampling422, TurboJpegNative.ColorspaceYCbCr) when width > 4 => ChromaSampling.Half,
        (TurboJpegNative.Sampling420, TurboJpegNative.ColorspaceYCbCr) when width > 4 => ChromaSampling.Quarter,
        _ => null,
    };

    // Cameras and old encoders leave these behind in files whose every pixel is there; a truncated or corrupt scan says something else.
    private static bool IsHarmless(string warning) =>
        warning.Contains("extraneous bytes", StringComparison.Ordinal)
        || warning.Contains("SOS parameters", StringComparison.Ordinal)
        || warning.Contains("JFIF", StringComparison.Ordinal)
        || warning.Contains("Adobe", StringComparison.Ordinal);

    private unsafe void DecodePng(string path, ImageInfo info, ImageBuffer target, bool keepIndices)
    {
        bool indices = keepIndices && info.IsIndexed;
        target.SetSize(info.Width, info.Height, indices ? 1 : info.Channels);
        int format = indices ? SpngNative.FormatPng : info.Channels == 1 ? SpngNative.FormatG8 : SpngNative.FormatRgb8;
        if (indices && _file.Span[24] != 8)
            throw new SampleException($"The PNG file '{path}' has a palette of {_file.Span[24]} bits; expected 8 bits or grey.", path);
        if (!_isBare && ImageLibraries.HasDeflate && (_png ??= new PngDecoder()).TryDecode(_file.Span, target, indices))
            return;
        // Rare kinds, and files with a fault, whose name libspng knows.
        using SpngContext context = new();
        fixed (byte* file = _file.Span)
        fixed (byte* pixels = target.Pixels)
        {
            if (context.Decode(file, (nuint)_file.Span.Length, pixels, (nuint)target.Pixels.Length, format) is string error)
                throw new SampleException($"The PNG file '{path}' is damaged or truncated: libspng says \"{error}\".", path);
        }
    }

    private unsafe void DecodeJpeg(string path, ImageBuffer target, bool takesPlanes)
    {
        _jpeg ??= new TurboJpegHandle();
        CULong length = new((nuint)_file.Span.Length);
        fixed (byte* file = _file.Span)
        {
            // A file cut off before its scan passes as "tables only", without a size.
            if (TurboJpegNative.DecompressHeader3(_jpeg, file, length, out int width, out int height, out int sampling, out int colorspace) != 0 || width < 1 || height < 1)
                throw DamagedJpeg(path, _jpeg.LastError);
            if (colorspace is TurboJpegNative.ColorspaceCmyk or TurboJpegNative.ColorspaceYcck)
                throw new SampleException($"The JPEG file '{path}' has CMYK colours; expected 8-bit grey or RGB.", path);
            if (takesPlanes && ChromaOf(sampling, colorspace, width) is ChromaSampling chroma)
            {
                target.SetPlanes(width, height, chroma);
                if (TryDecodePlanes(file, length, target))
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

    // libjpeg-turbo 2.1 leaves a decompressor in the middle of a header that it refuses, and would refuse every later file for it.
    private SampleException DamagedJpeg(string path, string error)
    {
        _jpeg?.Dispose();
        _jpeg = null;
        return new SampleException($"The JPEG file '{path}' is damaged or truncated: libjpeg-turbo says \"{error}\".", path);
    }

    // False where something is wrong with the file: what it is, the whole decoding says.
    private unsafe bool TryDecodePlanes(byte* file, CULong length, ImageBuffer target)
    {
        fixed (byte* luma = &target.FirstPlane)
        {
            byte* blue = luma + target.ChromaStart;
            byte** planes = stackalloc byte*[3] { luma, blue, blue + (target.ChromaWidth * target.ChromaHeight) };
            int* strides = stackalloc int[3] { target.LumaStride, target.ChromaWidth, target.ChromaWidth };
            return IsWhole(TurboJpegNative.DecompressToYuvPlanes(_jpeg!, file, length, planes, target.Width, strides, target.Height, 0), out _);
        }
    }

    private bool IsWhole(int result, out string error)
    {
        error = result == 0 ? "" : _jpeg!.LastError;
        return result == 0 || (TurboJpegNative.GetErrorCode(_jpeg!) == TurboJpegNative.ErrorIsWarning && IsHarmless(error));
    }
}
