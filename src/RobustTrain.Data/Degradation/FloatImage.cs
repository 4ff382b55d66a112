using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Degradation;

/// <summary>An image as planes of numbers, channels x height x width. Reused, it grows but never shrinks.</summary>
public sealed class FloatImage
{
    private static readonly float[] s_ones = [1, 1, 1];
    private static readonly float[] s_zeros = [0, 0, 0];

    private float[] _values = [];

    /// <summary>Columns.</summary>
    public int Width { get; private set; }

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>1 (grey) or 3 (red, green, blue).</summary>
    public int Channels { get; private set; }

    /// <summary>All values: the planes one after the other, each row by row.</summary>
    public Span<float> Values => _values.AsSpan(0, Width * Height * Channels);

    /// <summary>A row of a plane.</summary>
    public Span<float> Row(int channel, int y) => _values.AsSpan(((channel * Height) + y) * Width, Width);

    /// <summary>Sets the size; the values are undefined afterwards.</summary>
    public void SetSize(int width, int height, int channels)
    {
        int length = checked(width * height * channels);
        if (_values.Length < length)
            _values = GC.AllocateUninitializedArray<float>(length);
        (Width, Height, Channels) = (width, height, channels);
    }

    /// <summary>Takes a copy of planes.</summary>
    public void Set(ReadOnlySpan<float> planes, int width, int height, int channels)
    {
        SetSize(width, height, channels);
        planes.CopyTo(Values);
    }

    /// <summary>Takes a part of a decoded image, values 0 to 255; grey is repeated where three channels are wanted.</summary>
    public unsafe void Load(ImageBuffer image, PixelWindow part, int channels)
    {
        SetSize(part.Width, part.Height, channels);
        if (image.Channels == 3 && channels == 3)
        {
            fixed (byte* from = &image.Row(part.Y)[part.X * 3])
            fixed (float* to = _values)
                SampleWriter.SplitRgb(from, image.Stride, part.Width, part.Height, flip: false, to, s_ones, s_zeros);
            return;
        }

        for (int y = 0; y < part.Height; y++)
        {
            ReadOnlySpan<byte> from = image.Row(part.Y + y).Slice(part.X, part.Width);
            Span<float> to = Row(0, y);
            for (int x = 0; x < to.Length; x++)
                to[x] = from[x];
        }

        for (int channel = 1; channel < channels; channel++)
            Values[..(Width * Height)].CopyTo(Values.Slice(channel * Width * Height, Width * Height));
    }

    /// <summary>Rounds every value times a factor to the nearest of 0 to 255, halves to the even one.</summary>
    public void Round(float scale)
    {
        foreach (ref float value in Values)
            value = MathF.Round(Math.Clamp(value * scale, 0f, 255f));
    }

    /// <summary>Writes whole values of 0 to 255 as bytes.</summary>
    public void WriteTo(ImageBuffer target)
    {
        target.SetSize(Width, Height, Channels);
        Span<byte> pixels = target.Pixels;
        int plane = Width * Height;
        for (int channel = 0; channel < Channels; channel++)
        {
            ReadOnlySpan<float> values = Values.Slice(channel * plane, plane);
            for (int pixel = 0, to = channel; pixel < values.Length; pixel++, to += Channels)
                pixels[to] = (byte)values[pixel];
        }
    }

    /// <summary>Takes a decoded image of as many channels, values 0 to 255.</summary>
    public void Load(ImageBuffer image) => Load(image, new PixelWindow(0, 0, image.Width, image.Height), image.Channels);

    /// <summary>Writes a window, turned and flipped, times a factor.</summary>
    /// <param name="window">The window.</param>
    /// <param name="scale">The factor.</param>
    /// <param name="target">Takes channels x height x width.</param>
    public void WriteTo(PixelWindow window, float scale, Span<float> target)
    {
        (int start, int columnStep, int rowStep) = window.WalkOf(Width);
        (int width, int height) = (window.OutputWidth, window.OutputHeight);
        for (int channel = 0; channel < Channels; channel++)
        {
            ReadOnlySpan<float> plane = Values.Slice(channel * Width * Height, Width * Height);
            for (int y = 0; y < height; y++)
            {
                int from = start + (y * rowStep);
                Span<float> row = target.Slice(((channel * height) + y) * width, width);
                for (int x = 0; x < row.Length; x++, from += columnStep)
                    row[x] = plane[from] * scale;
            }
        }
    }
}
