using System.Runtime.InteropServices;
using SkiaSharp;

namespace RobustTrain.Data.Imaging;

/// <summary>
/// Sends images through JPEG in memory, colours at half the resolution (4:2:0): by libjpeg-turbo, or by SkiaSharp on Windows where that is
/// not found. For one thread at a time.
/// </summary>
public sealed class JpegRoundTrip : IDisposable
{
    private readonly TurboJpegHandle? _compressor;
    private readonly TurboJpegHandle? _decompressor;
    private byte[] _file = [];
    private byte[] _rgba = [];

    /// <summary>Opens the library.</summary>
    /// <exception cref="DllNotFoundException">It is not installed.</exception>
    public JpegRoundTrip()
        : this(usesSkia: OperatingSystem.IsWindows() && !ImageLibraries.HasTurboJpeg)
    {
    }

    internal JpegRoundTrip(bool usesSkia)
    {
        if (usesSkia)
            return;
        _compressor = new TurboJpegHandle(compresses: true);
        _decompressor = new TurboJpegHandle();
    }

    /// <summary>Compresses an image and decompresses it again, in place.</summary>
    /// <param name="image">The image, grey or RGB.</param>
    /// <param name="quality">The quality, 1 to 100.</param>
    public void Apply(ImageBuffer image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        if (_compressor is null)
            ApplyBySkia(image, quality);
        else
            ApplyByTurboJpeg(image, quality);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _compressor?.Dispose();
        _decompressor?.Dispose();
    }

    private unsafe void ApplyByTurboJpeg(ImageBuffer image, int quality)
    {
        bool isGrey = image.Channels == 1;
        int sampling = isGrey ? TurboJpegNative.SamplingGray : TurboJpegNative.Sampling420;
        int format = isGrey ? TurboJpegNative.PixelFormatGray : TurboJpegNative.PixelFormatRgb;
        int most = checked((int)TurboJpegNative.BufferSize(image.Width, image.Height, sampling).Value);
        if (_file.Length < most)
            _file = GC.AllocateUninitializedArray<byte>(most);
        fixed (byte* pixels = image.Pixels)
        fixed (byte* file = _file)
        {
            byte* written = file;
            CULong length = new((nuint)most);
            if (TurboJpegNative.Compress2(_compressor!, pixels, image.Width, 0, image.Height, format, ref written, ref length, sampling, quality, TurboJpegNative.FlagNoReallocation | TurboJpegNative.FlagAccurateDct) != 0)
                throw new InvalidOperationException($"libjpeg-turbo could not compress an image of {image.Width}x{image.Height} pixels: {_compressor!.LastError}.");
            if (TurboJpegNative.Decompress2(_decompressor!, file, length, pixels, image.Width, 0, image.Height, format, 0) != 0)
                throw new InvalidOperationException($"libjpeg-turbo could not decompress what it had compressed: {_decompressor!.LastError}.");
        }
    }

    private unsafe void ApplyBySkia(ImageBuffer image, int quality)
    {
        bool isGrey = image.Channels == 1;
        SKImageInfo format = new(image.Width, image.Height, isGrey ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        if (!isGrey && _rgba.Length < format.BytesSize)
            _rgba = GC.AllocateUninitializedArray<byte>(format.BytesSize);
        if (!isGrey)
        {
            ReadOnlySpan<byte> colors = image.Pixels;
            for (int from = 0, to = 0; from < colors.Length; from += 3, to += 4)
            {
                colors.Slice(from, 3).CopyTo(_rgba.AsSpan(to));
                _rgba[to + 3] = 255;
            }
        }

        fixed (byte* pixels = isGrey ? image.Pixels : _rgba)
        {
            using SKPixmap map = new(format, (nint)pixels);
            using SKData file = map.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore))
                ?? throw new InvalidOperationException($"SkiaSharp could not compress an image of {image.Width}x{image.Height} pixels.");
            ImageInfo info = new(ImageFormat.Jpeg, image.Width, image.Height, image.Channels);
            SkiaJpeg.Decode(file.AsSpan(), info, _rgba, image);
        }
    }
}
