using System.Numerics;

namespace RobustTrain.Data.Degradation;

/// <summary>
/// Sharpens a ground truth as Real-ESRGAN does before it trains on it (Wang et al., ICCVW 2021, and the code published with it). With B the blur by a
/// Gaussian of 51 pixels and sigma 8, r = x - B(x), and M = B(|255 r| > 10), the result is M clip(x + r / 2) + (1 - M) x: where there are edges, they
/// are steeper, and flat parts stay as they are. Beyond its edges the image is mirrored. It keeps its buffers from image to image; one serves one
/// thread at a time.
/// </summary>
public sealed class UnsharpMask
{
    private const int Reach = 25;
    private const double Sigma = 8;
    private const float Weight = 0.5f;
    private const float Threshold = 10f / 255;

    private static readonly float[] s_kernel = Kernel();

    private readonly FloatImage _blurred = new();
    private readonly FloatImage _mask = new();
    private readonly FloatImage _rows = new();
    private float[] _padded = [];

    /// <summary>Sharpens in place.</summary>
    /// <param name="planes">Channels x height x width, values 0 to 1.</param>
    /// <param name="width">The width.</param>
    /// <param name="height">The height.</param>
    /// <param name="channels">The channels, each sharpened by itself.</param>
    public void Apply(Span<float> planes, int width, int height, int channels)
    {
        _blurred.Set(planes, width, height, channels);
        Blur(_blurred);
        _mask.SetSize(width, height, channels);
        Span<float> blurred = _blurred.Values;
        Span<float> mask = _mask.Values;
        for (int at = 0; at < planes.Length; at++)
            mask[at] = MathF.Abs(planes[at] - blurred[at]) > Threshold ? 1 : 0;
        Blur(_mask);
        for (int at = 0; at < planes.Length; at++)
        {
            float value = planes[at];
            float sharp = Math.Clamp(value + (Weight * (value - blurred[at])), 0f, 1f);
            planes[at] = (mask[at] * sharp) + ((1 - mask[at]) * value);
        }
    }

    // The Gaussian is a product, so rows and columns go one after the other.
    private void Blur(FloatImage image)
    {
        _rows.SetSize(image.Width, image.Height, image.Channels);
        _rows.Values.Clear();
        if (_padded.Length < image.Width + (2 * Reach))
            _padded = new float[image.Width + (2 * Reach)];
        for (int channel = 0; channel < image.Channels; channel++)
        {
            for (int y = 0; y < image.Height; y++)
            {
                ReadOnlySpan<float> from = image.Row(channel, y);
                for (int x = 0; x < from.Length + (2 * Reach); x++)
                    _padded[x] = from[PlaneFilter.Mirror(x - Reach, from.Length)];
                for (int tap = 0; tap < s_kernel.Length; tap++)
                    AddScaled(_rows.Row(channel, y), _padded.AsSpan(tap, from.Length), s_kernel[tap]);
            }

            for (int y = 0; y < image.Height; y++)
            {
                Span<float> to = image.Row(channel, y);
                to.Clear();
                for (int tap = 0; tap < s_kernel.Length; tap++)
                    AddScaled(to, _rows.Row(channel, PlaneFilter.Mirror(y + tap - Reach, image.Height)), s_kernel[tap]);
            }
        }
    }

    private static void AddScaled(Span<float> to, ReadOnlySpan<float> from, float weight)
    {
        int lanes = Vector<float>.Count;
        int x = 0;
        for (; x + lanes <= to.Length; x += lanes)
            (new Vector<float>(to[x..]) + (new Vector<float>(from[x..]) * weight)).CopyTo(to[x..]);
        for (; x < to.Length; x++)
            to[x] += from[x] * weight;
    }

    private static float[] Kernel()
    {
        double[] values = [.. Enumerable.Range(-Reach, (2 * Reach) + 1).Select(place => Math.Exp(-0.5 * place * place / (Sigma * Sigma)))];
        return [.. values.Select(value => (float)(value / values.Sum()))];
    }
}
