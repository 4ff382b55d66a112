using System.Numerics;
using System.Runtime.InteropServices;

namespace RobustTrain.Data.Degradation;

/// <summary>By what an image's size is changed.</summary>
public enum ResizeFilter
{
    /// <summary>
    /// Bicubic with a = -0.5 (Keys, 1981), widened where it reduces, edges mirrored: MATLAB's <c>imresize</c>, and BasicSR's, by which the
    /// low-quality images of the super-resolution benchmarks are made.
    /// </summary>
    MatlabBicubic,

    /// <summary>The mean of the pixels that a new pixel covers any part of: torch's <c>interpolate(mode='area')</c>.</summary>
    Area,

    /// <summary>Bilinear between the nearest pixels, without widening: torch's <c>interpolate(mode='bilinear')</c>.</summary>
    Bilinear,

    /// <summary>Bicubic with a = -0.75 over the nearest pixels, without widening: torch's <c>interpolate(mode='bicubic')</c>.</summary>
    Bicubic,
}

/// <summary>
/// Changes the size of an image: each new row is a weighted sum of old ones; then the image is transposed, and its columns are summed as rows, since
/// that is what vector instructions do well.
/// </summary>
public sealed class PlaneResizer
{
    private readonly FloatImage _between = new();
    private readonly FloatImage _columns = new();
    private readonly LineWeights _weights = new();
    private readonly LineWeights _columnWeights = new();

    /// <summary>Resizes.</summary>
    /// <param name="source">The image.</param>
    /// <param name="target">Another image, which takes the result.</param>
    /// <param name="width">The new width.</param>
    /// <param name="height">The new height.</param>
    /// <param name="filter">By what.</param>
    public void Resize(FloatImage source, FloatImage target, int width, int height, ResizeFilter filter)
    {
        _weights.Set(source.Height, height, filter);
        _columnWeights.Set(source.Width, width, filter);
        SumRows(source, _between, _weights, height);
        _between.TransposeTo(_columns);
        SumRows(_columns, _between, _columnWeights, width);
        _between.TransposeTo(target);
    }

    private static void SumRows(FloatImage source, FloatImage target, LineWeights weights, int height)
    {
        target.SetSize(source.Width, height, source.Channels);
        for (int channel = 0; channel < source.Channels; channel++)
        {
            for (int y = 0; y < height; y++)
            {
                Span<float> sum = target.Row(channel, y);
                sum.Clear();
                ReadOnlySpan<int> places = weights.PlacesOf(y);
                ReadOnlySpan<float> factors = weights.FactorsOf(y);
                for (int tap = 0; tap < places.Length; tap++)
                {
                    if (factors[tap] != 0)
                        AddScaled(source.Row(channel, places[tap]), factors[tap], sum);
                }
            }
        }
    }

    private static void AddScaled(ReadOnlySpan<float> from, float factor, Span<float> sum)
    {
        ReadOnlySpan<Vector<float>> fromVectors = MemoryMarshal.Cast<float, Vector<float>>(from);
        Span<Vector<float>> sumVectors = MemoryMarshal.Cast<float, Vector<float>>(sum);
        Vector<float> factors = new(factor);
        for (int at = 0; at < sumVectors.Length; at++)
            sumVectors[at] += fromVectors[at] * factors;
        for (int at = sumVectors.Length * Vector<float>.Count; at < sum.Length; at++)
            sum[at] += from[at] * factor;
    }

    /// <summary>For each new line of a side the old ones that it is made of, and what each counts.</summary>
    private sealed class LineWeights
    {
        private int _from;
        private int _to;
        private ResizeFilter _filter;
        private int _taps;
        private int[] _places = [];
        private float[] _factors = [];

        public void Set(int from, int to, ResizeFilter filter)
        {
            if ((from, to, filter) == (_from, _to, _filter))
                return;
            (_from, _to, _filter) = (from, to, filter);
            double scale = (double)from / to;
            double reach = filter switch
            {
                ResizeFilter.MatlabBicubic => Math.Ceiling(4 * Math.Max(1, scale)) + 2,
                ResizeFilter.Area => Math.Ceiling(scale) + 1,
                ResizeFilter.Bilinear => 2,
                _ => 4,
            };
            _taps = (int)reach;
            if (_places.Length < to * _taps)
            {
                _places = new int[to * _taps];
                _factors = new float[to * _taps];
            }

            double[] factors = new double[_taps];
            for (int line = 0; line < to; line++)
            {
                int first = FirstOf(line, scale, factors);
                for (int tap = 0; tap < _taps; tap++)
                {
                    _places[(line * _taps) + tap] = Inside(first + tap);
                    _factors[(line * _taps) + tap] = (float)factors[tap];
                }
            }
        }

        public ReadOnlySpan<int> PlacesOf(int line) => _places.AsSpan(line * _taps, _taps);

        public ReadOnlySpan<float> FactorsOf(int line) => _factors.AsSpan(line * _taps, _taps);

        // MATLAB mirrors at the edge, the others repeat what lies there.
        private int Inside(int place)
        {
            if (_filter != ResizeFilter.MatlabBicubic)
                return Math.Clamp(place, 0, _from - 1);
            int period = 2 * _from;
            int around = ((place % period) + period) % period;
            return around < _from ? around : period - 1 - around;
        }

        // The first old line of a new one, and what those from there on count.
        private int FirstOf(int line, double scale, Span<double> factors)
        {
            factors.Clear();
            double centre = ((line + 0.5) * scale) - 0.5;
            switch (_filter)
            {
                case ResizeFilter.Area:
                {
                    int first = (int)((long)line * _from / _to);
                    int end = (int)((((long)(line + 1) * _from) + _to - 1) / _to);
                    factors[..(end - first)].Fill(1.0 / (end - first));
                    return first;
                }

                case ResizeFilter.Bilinear:
                {
                    double at = Math.Max(0, centre);
                    int first = (int)at;
                    (factors[0], factors[1]) = (1 - (at - first), at - first);
                    return first;
                }

                case ResizeFilter.Bicubic:
                {
                    int first = (int)Math.Floor(centre) - 1;
                    for (int tap = 0; tap < 4; tap++)
                        factors[tap] = Cubic(Math.Abs(centre - (first + tap)), -0.75);
                    return first;
                }

                default:
                {
                    double widening = Math.Max(1, scale);
                    int first = (int)Math.Floor(centre - (2 * widening));
                    double sum = 0;
                    for (int tap = 0; tap < factors.Length; tap++)
                        sum += factors[tap] = Cubic(Math.Abs(centre - (first + tap)) / widening, -0.5);
                    for (int tap = 0; tap < factors.Length; tap++)
                        factors[tap] /= sum;
                    return first;
                }
            }
        }

        private static double Cubic(double x, double a) => x switch
        {
            <= 1 => (((((a + 2) * x) - (a + 3)) * x) * x) + 1,
            <= 2 => (((((a * x) - (5 * a)) * x) + (8 * a)) * x) - (4 * a),
            _ => 0,
        };
    }
}
