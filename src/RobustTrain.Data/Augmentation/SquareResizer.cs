using System.Buffers;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Augmentation;

/// <summary>A square part of an image.</summary>
/// <param name="X">Its first column.</param>
/// <param name="Y">Its first row.</param>
/// <param name="Side">Its side in pixels.</param>
public readonly record struct PixelSquare(int X, int Y, int Side)
{
    /// <summary>The largest square in the middle of an image: what evaluation sees.</summary>
    public static PixelSquare Central(int width, int height)
    {
        int side = Math.Min(width, height);
        return new PixelSquare((width - side) / 2, (height - side) / 2, side);
    }

    /// <summary>A square at random: each area from <paramref name="smallestArea"/> on as likely, and each place.</summary>
    /// <param name="width">The image's columns.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="smallestArea">The least share of the largest square's area, above 0 to 1.</param>
    /// <param name="random">The randomness; the same number of draws is taken whatever the share is.</param>
    public static PixelSquare Draw(int width, int height, double smallestArea, ref SampleRandom random)
    {
        int largest = Math.Min(width, height);
        int side = Math.Clamp((int)Math.Round(largest * Math.Sqrt(random.NextDouble(smallestArea, 1))), 1, largest);
        return new PixelSquare(random.NextInt(width - side + 1), random.NextInt(height - side + 1), side);
    }
}

/// <summary>
/// Brings a square of an image to another side: by a triangle filter that is as wide as a pixel of the larger of the two grids, as Pillow's and
/// torchvision's bilinear resizing with <c>antialias</c>. It keeps its memory from image to image; one thread at a time resizes.
/// </summary>
public sealed class SquareResizer
{
    private int[] _first = [];
    private float[] _weights = [];
    private int _taps;

    /// <summary>Resizes.</summary>
    /// <param name="source">The image.</param>
    /// <param name="square">The part of it.</param>
    /// <param name="target">Takes the pixels, another image than <paramref name="source"/>.</param>
    /// <param name="side">Their side.</param>
    public void Resize(ImageBuffer source, PixelSquare square, ImageBuffer target, int side)
    {
        int channels = source.Channels;
        target.SetSize(side, side, channels);
        SetUp(square.Side, side);
        int rowLength = side * channels;
        float[] rows = ArrayPool<float>.Shared.Rent(square.Side * rowLength);
        for (int y = 0; y < square.Side; y++)
            Narrow(source.Row(square.Y + y).Slice(square.X * channels, square.Side * channels), rows.AsSpan(y * rowLength, rowLength), channels);
        for (int y = 0; y < side; y++)
        {
            Span<byte> row = target.Row(y);
            for (int at = 0; at < rowLength; at++)
            {
                float sum = 0;
                for (int tap = 0; tap < _taps; tap++)
                    sum += _weights[(y * _taps) + tap] * rows[(Math.Min(_first[y] + tap, square.Side - 1) * rowLength) + at];
                row[at] = (byte)Math.Clamp(sum + 0.5f, 0, 255);
            }
        }

        ArrayPool<float>.Shared.Return(rows);
    }

    private void Narrow(ReadOnlySpan<byte> from, Span<float> to, int channels)
    {
        int last = (from.Length / channels) - 1;
        for (int x = 0; x < to.Length / channels; x++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                float sum = 0;
                for (int tap = 0; tap < _taps; tap++)
                    sum += _weights[(x * _taps) + tap] * from[(Math.Min(_first[x] + tap, last) * channels) + channel];
                to[(x * channels) + channel] = sum;
            }
        }
    }

    // For each pixel of the target the first of the source's that it takes, and the weights of it and of those behind it.
    private void SetUp(int from, int to)
    {
        double scale = (double)from / to;
        double reach = Math.Max(1, scale);
        _taps = (2 * (int)Math.Ceiling(reach)) + 1;
        if (_first.Length < to)
            _first = new int[to];
        if (_weights.Length < to * _taps)
            _weights = new float[to * _taps];
        for (int place = 0; place < to; place++)
        {
            double centre = (place + 0.5) * scale;
            int first = _first[place] = Math.Max(0, (int)Math.Floor(centre - reach + 0.5));
            double sum = 0;
            for (int tap = 0; tap < _taps; tap++)
                sum += WeightOf(first + tap);
            for (int tap = 0; tap < _taps; tap++)
                _weights[(place * _taps) + tap] = (float)(WeightOf(first + tap) / sum);

            double WeightOf(int pixel) => pixel < from ? Math.Max(0, 1 - Math.Abs((pixel + 0.5 - centre) / reach)) : 0;
        }
    }
}
