using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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

/// <summary>Changes the size of an image: first its rows, then its columns, each new pixel a weighted sum of old ones.</summary>
public sealed class PlaneResizer
{
    private readonly FloatImage _between = new();
    private readonly Weights _rows = new();
    private readonly Weights _columns = new();

    /// <summary>Resizes.</summary>
    /// <param name="source">The image.</param>
    /// <param name="target">Another image, which takes the result.</param>
    /// <param name="width">The new width.</param>
    /// <param name="height">The new height.</param>
    /// <param name="filter">By what.</param>
    public void Resize(FloatImage source, FloatImage target, int width, int height, ResizeFilter filter)
    {
        _rows.Set(source.Height, height, filter);
        _columns.Set(source.Width, width, filter);
        _between.SetSize(source.Width, height, source.Channels);
        target.SetSize(width, height, source.Channels);
        for (int channel = 0; channel < source.Channels; channel++)
        {
            for (int y = 0; y < height; y++)
                SumRows(source, channel, y);
            for (int y = 0; y < height; y++)
                SumColumns(_between.Row(channel, y), target.Row(channel, y));
        }
    }

    private void SumRows(FloatImage source, int channel, int y)
    {
        Span<float> sum = _between.Row(channel, y);
        sum.Clear();
        ReadOnlySpan<int> places = _rows.PlacesOf(y);
        ReadOnlySpan<float> weights = _rows.WeightsOf(y);
        for (int tap = 0; tap < places.Length; tap++)
        {
            if (weights[tap] != 0)
                AddScaled(source.Row(channel, places[tap]), weights[tap], sum);
        }
    }

    private static void AddScaled(ReadOnlySpan<float> from, float weight, Span<float> sum)
    {
        ReadOnlySpan<Vector<float>> fromVectors = MemoryMarshal.Cast<float, Vector<float>>(from);
        Span<Vector<float>> sumVectors = MemoryMarshal.Cast<float, Vector<float>>(sum);
        Vector<float> weights = new(weight);
        for (int at = 0; at < sumVectors.Length; at++)
            sumVectors[at] += fromVectors[at] * weights;
        for (int at = sumVectors.Length * Vector<float>.Count; at < sum.Length; at++)
            sum[at] += from[at] * weight;
    }

    private void SumColumns(ReadOnlySpan<float> from, Span<float> to)
    {
        for (int x = 0; x < to.Length; x++)
        {
            ReadOnlySpan<int> places = _columns.PlacesOf(x);
            ReadOnlySpan<float> weights = _columns.WeightsOf(x);
            to[x] = _columns.IsContiguous(x, from.Length) ? Dot(from.Slice(places[0], weights.Length), weights) : Gather(from, places, weights);
        }
    }

    // The weights are padded with zeros to a multiple of eight.
    private static float Dot(ReadOnlySpan<float> values, ReadOnlySpan<float> weights)
    {
        ref float value = ref MemoryMarshal.GetReference(values);
        ref float weight = ref MemoryMarshal.GetReference(weights);
        Vector256<float> sum = Vector256<float>.Zero;
        for (nuint at = 0; at < (nuint)weights.Length; at += 8)
            sum += Vector256.LoadUnsafe(ref value, at) * Vector256.LoadUnsafe(ref weight, at);
        return Total(sum);
    }

    private static float Gather(ReadOnlySpan<float> values, ReadOnlySpan<int> places, ReadOnlySpan<float> weights)
    {
        Span<float> lanes = stackalloc float[8];
        lanes.Clear();
        for (int tap = 0; tap < places.Length; tap++)
            lanes[tap & 7] += values[places[tap]] * weights[tap];
        return Total(Vector256.Create<float>(lanes));
    }

    private static float Total(Vector256<float> sum)
    {
        Vector128<float> half = sum.GetLower() + sum.GetUpper();
        return half[0] + half[2] + (half[1] + half[3]);
    }

    /// <summary>For each new pixel of a side the old ones that it is made of, and what each counts.</summary>
    private sealed class Weights
    {
        private int _from;
        private int _to;
        private ResizeFilter _filter;
        private int _taps;
        private int _padded;
        private int[] _places = [];
        private float[] _weights = [];
        private bool[] _contiguous = [];

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
            _padded = (_taps + 7) & ~7;
            if (_places.Length < to * _padded)
            {
                _places = new int[to * _padded];
                _weights = new float[to * _padded];
            }

            if (_contiguous.Length < to)
                _contiguous = new bool[to];
            double[] weights = new double[_taps];
            for (int pixel = 0; pixel < to; pixel++)
            {
                int first = FirstOf(pixel, scale, weights);
                bool isInside = first >= 0 && first + _taps <= from;
                for (int tap = 0; tap < _padded; tap++)
                {
                    _places[(pixel * _padded) + tap] = tap < _taps ? Inside(first + tap) : 0;
                    _weights[(pixel * _padded) + tap] = tap < _taps ? (float)weights[tap] : 0;
                }

                _contiguous[pixel] = isInside;
            }
        }

        public ReadOnlySpan<int> PlacesOf(int pixel) => _places.AsSpan(pixel * _padded, _taps);

        public ReadOnlySpan<float> WeightsOf(int pixel) => _weights.AsSpan(pixel * _padded, _padded);

        public bool IsContiguous(int pixel, int length) => _contiguous[pixel] && _places[pixel * _padded] + _padded <= length;

        // MATLAB mirrors at the edge, the others repeat what lies there.
        private int Inside(int place)
        {
            if (_filter != ResizeFilter.MatlabBicubic)
                return Math.Clamp(place, 0, _from - 1);
            int period = 2 * _from;
            int around = ((place % period) + period) % period;
            return around < _from ? around : period - 1 - around;
        }

        // The first old pixel of a new one, and the weights of those from there on.
        private int FirstOf(int pixel, double scale, Span<double> weights)
        {
            weights.Clear();
            double centre = ((pixel + 0.5) * scale) - 0.5;
            switch (_filter)
            {
                case ResizeFilter.Area:
                {
                    int first = (int)((long)pixel * _from / _to);
                    int end = (int)((((long)(pixel + 1) * _from) + _to - 1) / _to);
                    weights[..(end - first)].Fill(1.0 / (end - first));
                    return first;
                }

                case ResizeFilter.Bilinear:
                {
                    double at = Math.Max(0, centre);
                    int first = (int)at;
                    (weights[0], weights[1]) = (1 - (at - first), at - first);
                    return first;
                }

                case ResizeFilter.Bicubic:
                {
                    int first = (int)Math.Floor(centre) - 1;
                    for (int tap = 0; tap < 4; tap++)
                        weights[tap] = Cubic(Math.Abs(centre - (first + tap)), -0.75);
                    return first;
                }

                default:
                {
                    double widening = Math.Max(1, scale);
                    int first = (int)Math.Floor(centre - (2 * widening));
                    double sum = 0;
                    for (int tap = 0; tap < weights.Length; tap++)
                        sum += weights[tap] = Cubic(Math.Abs(centre - (first + tap)) / widening, -0.5);
                    for (int tap = 0; tap < weights.Length; tap++)
                        weights[tap] /= sum;
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
