namespace RobustTrain.Data.Augmentation;

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
