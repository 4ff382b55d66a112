using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Augmentation;

/// <summary>Writes a window of a decoded image into a sample: turned, jittered, normalised, channels first.</summary>
public sealed class SampleWriter
{
    private const float ByteScale = 1f / 255;

    private readonly Normalization _normalization;
    private readonly AugmentationOptions _augmentation;
    private readonly float[] _scale;
    private readonly float[] _offset;
    private readonly bool _jitter;

    /// <summary>A writer for images of one dataset.</summary>
    public SampleWriter(Normalization normalization, AugmentationOptions augmentation)
    {
        _normalization = normalization;
        _augmentation = augmentation;
        _jitter = ColorJitter.IsNeeded(augmentation);

        // With jitter the first pass gives values in 0..1, which are normalised afterwards.
        _scale = new float[normalization.Channels];
        _offset = new float[normalization.Channels];
        for (int channel = 0; channel < normalization.Channels; channel++)
        {
            _scale[channel] = _jitter ? ByteScale : ByteScale * normalization.Scale(channel);
            _offset[channel] = _jitter ? 0 : normalization.Offset(channel);
        }
    }

    /// <summary>Writes an image.</summary>
    /// <param name="source">The decoded image; grey is repeated where three channels are wanted.</param>
    /// <param name="window">The part of it.</param>
    /// <param name="random">The randomness of the colours.</param>
    /// <param name="target">Takes channels x height x width.</param>
    public void WriteImage(ImageBuffer source, PixelWindow window, ref SampleRandom random, Span<float> target)
    {
        int plane = window.OutputWidth * window.OutputHeight;
        Debug.Assert(target.Length == plane * _normalization.Channels, "The sample has the window's size.");
        if (source.Channels == 3)
            WriteRgb(source, window, target);
        else
            WriteGrey(source, window, target);
        if (!_jitter)
            return;

        ColorJitter.Apply(target, _normalization.Channels, _augmentation, ref random);
        for (int channel = 0; channel < _normalization.Channels; channel++)
        {
            float scale = _normalization.Scale(channel);
            float offset = _normalization.Offset(channel);
            foreach (ref float value in target.Slice(channel * plane, plane))
                value = (value * scale) + offset;
        }
    }

    /// <summary>Writes a class map.</summary>
    /// <param name="source">The decoded label, one channel.</param>
    /// <param name="window">The part of it.</param>
    /// <param name="classOf">The class of each byte, or -1 for a value that no label may have.</param>
    /// <param name="target">Takes height x width.</param>
    /// <returns>The first value that no label may have, or -1.</returns>
    public static int WriteLabel(ImageBuffer source, PixelWindow window, ReadOnlySpan<short> classOf, Span<long> target)
    {
        (int start, int columnStep, int rowStep) = window.WalkOf(source.Width);
        ReadOnlySpan<byte> pixels = source.Pixels;
        int to = 0;
        int bad = -1;
        for (int y = 0; y < window.OutputHeight; y++)
        {
            int from = start + (y * rowStep);
            for (int x = 0; x < window.OutputWidth; x++, from += columnStep)
            {
                short value = classOf[pixels[from]];
                if (value < 0)
                    bad = pixels[from];
                target[to++] = value;
            }
        }

        return bad;
    }

    private unsafe void WriteRgb(ImageBuffer source, PixelWindow window, Span<float> target)
    {
        int width = window.OutputWidth;
        int height = window.OutputHeight;
        int plane = width * height;
        (int start, int columnStep, int rowStep) = window.WalkOf(source.Width);
        ReadOnlySpan<byte> pixels = source.Pixels;
        if (columnStep is 1 or -1)
        {
            int leftmost = columnStep == 1 ? start : start - width + 1;
            fixed (byte* from = &pixels[leftmost * 3])
            fixed (float* to = &target[0])
                SplitRgb(from, rowStep * 3, width, height, columnStep == -1, to, _scale, _offset);
            return;
        }

        for (int y = 0; y < height; y++)
        {
            int from = start + (y * rowStep);
            Span<float> row = target[(y * width)..];
            for (int x = 0; x < width; x++, from += columnStep)
            {
                row[x] = (pixels[from * 3] * _scale[0]) + _offset[0];
                row[plane + x] = (pixels[(from * 3) + 1] * _scale[1]) + _offset[1];
                row[(2 * plane) + x] = (pixels[(from * 3) + 2] * _scale[2]) + _offset[2];
            }
        }
    }

    private void WriteGrey(ImageBuffer source, PixelWindow window, Span<float> target)
    {
        int plane = window.OutputWidth * window.OutputHeight;
        (int start, int columnStep, int rowStep) = window.WalkOf(source.Width);
        ReadOnlySpan<byte> pixels = source.Pixels;
        for (int channel = 0; channel < _normalization.Channels; channel++)
        {
            Span<float> values = target.Slice(channel * plane, plane);
            int to = 0;
            for (int y = 0; y < window.OutputHeight; y++)
            {
                int from = start + (y * rowStep);
                for (int x = 0; x < window.OutputWidth; x++, from += columnStep)
                    values[to++] = (pixels[from] * _scale[channel]) + _offset[channel];
            }
        }
    }

    /// <summary>Writes value * scale + offset for each channel of interleaved RGB.</summary>
    /// <param name="source">The first row's leftmost pixel; <see cref="ImageBuffer.Slack"/> bytes behind the last one may be read.</param>
    /// <param name="rowStep">The bytes from one row to the next.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="flip">Whether left and right change sides.</param>
    /// <param name="target">Takes the planes of the three channels, one after the other.</param>
    /// <param name="scale">The three channels' factors, for bytes.</param>
    /// <param name="offset">The three channels' offsets.</param>
    internal static unsafe void SplitRgb(byte* source, nint rowStep, int width, int height, bool flip, float* target, float[] scale, float[] offset)
    {
        Vector128<byte> pickRed = FirstChannel(flip);
        Vector128<byte> next = Vector128.Create(1).AsByte();
        Vector128<byte> pickGreen = pickRed + next;
        Vector128<byte> pickBlue = pickGreen + next;
        nint plane = (nint)width * height;
        for (int y = 0; y < height; y++, source += rowStep, target += width)
        {
            int x = 0;
            if (Vector128.IsHardwareAccelerated)
            {
                for (; x + 4 <= width; x += 4)
                {
                    Vector128<byte> bytes = *(Vector128<byte>*)(source + (3 * (flip ? width - 4 - x : x)));
                    *(Vector128<float>*)(target + x) = Scale(bytes, pickRed, scale[0], offset[0]);
                    *(Vector128<float>*)(target + plane + x) = Scale(bytes, pickGreen, scale[1], offset[1]);
                    *(Vector128<float>*)(target + (2 * plane) + x) = Scale(bytes, pickBlue, scale[2], offset[2]);
                }
            }

            for (; x < width; x++)
            {
                byte* pixel = source + (3 * (flip ? width - 1 - x : x));
                target[x] = (pixel[0] * scale[0]) + offset[0];
                target[plane + x] = (pixel[1] * scale[1]) + offset[1];
                target[(2 * plane) + x] = (pixel[2] * scale[2]) + offset[2];
            }
        }
    }

    // A shuffle picks one channel of four pixels, a byte into the low end of each 32-bit lane; 0x80 and above gives zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FirstChannel(bool flip) => flip
        ? Vector128.Create((byte)9, 255, 255, 255, 6, 255, 255, 255, 3, 255, 255, 255, 0, 255, 255, 255)
        : Vector128.Create((byte)0, 255, 255, 255, 3, 255, 255, 255, 6, 255, 255, 255, 9, 255, 255, 255);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Scale(Vector128<byte> bytes, Vector128<byte> pick, float scale, float offset) =>
        (Vector128.ConvertToSingle(Vector128.Shuffle(bytes, pick).AsInt32()) * scale) + Vector128.Create(offset);
}

/// <summary>Turns bytes into normalised numbers: (value / 255 - mean) / deviation, each channel with its own.</summary>
public sealed class Normalization
{
    private readonly float[] _scale;
    private readonly float[] _offset;

    /// <summary>A normalisation of one or three channels.</summary>
    /// <param name="mean">The mean of each channel, of values in 0..1.</param>
    /// <param name="std">The standard deviation of each channel, above 0.</param>
    /// <exception cref="ArgumentException">The numbers of channels differ, are neither 1 nor 3, or a deviation is not above 0.</exception>
    public Normalization(IReadOnlyList<double> mean, IReadOnlyList<double> std)
    {
        if (mean.Count != std.Count || mean.Count is not (1 or 3))
            throw new ArgumentException($"The mean has {mean.Count} values and the standard deviation {std.Count}; expected 1 or 3 of both.", nameof(mean));
        if (std.Any(deviation => !(deviation > 0)))
            throw new ArgumentException("Every standard deviation must be above 0.", nameof(std));
        _scale = [.. std.Select(deviation => (float)(1 / deviation))];
        _offset = [.. mean.Zip(std, (value, deviation) => (float)(-value / deviation))];
    }

    /// <summary>The channels of a normalised image.</summary>
    public int Channels => _scale.Length;

    /// <summary>The factor of a channel's values in 0..1.</summary>
    public float Scale(int channel) => _scale[channel];

    /// <summary>What is added after the factor.</summary>
    public float Offset(int channel) => _offset[channel];
}
