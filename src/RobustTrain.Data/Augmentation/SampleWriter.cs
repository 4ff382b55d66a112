using System.Diagnostics;
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
        PixelPlanes.Write(source, window, _scale, _offset, target);
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
