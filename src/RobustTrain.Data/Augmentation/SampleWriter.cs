using System.Diagnostics;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Randomness;

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

    /// <summary>A writer for images of one data set.</summary>
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

    /// <summary>Whether images may come in a JPEG's planes: where there are three channels, and no row becomes a column.</summary>
    internal bool ReadsPlanes => WideKernels.ArePlanesQuicker && _normalization.Channels == 3 && !_augmentation.Rotate;

    /// <summary>Writes an image.</summary>
    /// <param name="source">The decoded image; grey is repeated where three channels are wanted.</param>
    /// <param name="window">The part of it.</param>
    /// <param name="random">The randomness of the colours.</param>
    /// <param name="target">Takes channels x height x width.</param>
    public void WriteImage(ImageBuffer source, PixelWindow window, ref SampleRandom random, Span<float> target)
    {
        int plane = window.OutputWidth * window.OutputHeight;
        Debug.Assert(target.Length == plane * _normalization.Channels, "The sample has the window's size.");
        if (source.Chroma is not null)
            WritePlanes(source, window, target);
        else if (source.Channels == 3)
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

    private unsafe void WritePlanes(ImageBuffer source, PixelWindow window, Span<float> target)
    {
        // Half a turn is a flip both ways.
        Debug.Assert((window.QuarterTurns & 1) == 0, "Rows stay rows.");
        bool flip = window.FlipHorizontally ^ (window.QuarterTurns == 2);
        bool upwards = window.FlipVertically ^ (window.QuarterTurns == 2);
        int first = upwards ? window.Y + window.Height - 1 : window.Y;
        fixed (float* to = target)
            PlaneKernels.WriteRgb(source, window.X, first, upwards ? -1 : 1, window.Width, window.Height, flip, to, _scale, _offset);
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
                PixelKernels.SplitRgb(from, rowStep * 3, width, height, columnStep == -1, to, _scale, _offset);
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
}
