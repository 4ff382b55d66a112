using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Degradation;

/// <summary>An image as planes of numbers, channels x height x width. Reused, it grows but never shrinks.</summary>
public sealed class FloatImage
{
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

    /// <summary>Takes a part of a decoded image, every value times a factor; grey is repeated where three channels are wanted.</summary>
    public void Load(ImageBuffer image, PixelWindow part, int channels, float factor)
    {
        SetSize(part.OutputWidth, part.OutputHeight, channels);
        Write(image, part, channels, factor, Values);
    }

    /// <summary>Writes a part of an image, every value times a factor; grey is repeated where three channels are wanted.</summary>
    /// <param name="image">The image.</param>
    /// <param name="part">The part, and how it is turned.</param>
    /// <param name="channels">The channels that are wanted, 1 or 3.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="target">Takes channels x height x width.</param>
    public static void Write(ImageBuffer image, PixelWindow part, int channels, float factor, Span<float> target)
    {
        ReadOnlySpan<float> factors = [factor, factor, factor];
        ReadOnlySpan<float> zeros = [0, 0, 0];
        PixelPlanes.Write(image, part, factors[..channels], zeros[..channels], target);
    }

    /// <summary>Writes rows as columns.</summary>
    /// <param name="target">Another image.</param>
    public unsafe void TransposeTo(FloatImage target)
    {
        // In blocks whose lines stay in the first cache.
        const int Block = 16;
        target.SetSize(Height, Width, Channels);
        (int width, int height) = (Width, Height);
        fixed (float* planes = _values, transposed = target._values)
        {
            for (int channel = 0; channel < Channels; channel++)
            {
                nint plane = (nint)channel * width * height;
                for (int top = 0; top < height; top += Block)
                {
                    int rows = Math.Min(Block, height - top);
                    for (int x = 0; x < width; x++)
                    {
                        float* from = planes + plane + ((nint)top * width) + x;
                        float* to = transposed + plane + ((nint)x * height) + top;
                        for (int row = 0; row < rows; row++, from += width)
                            to[row] = *from;
                    }
                }
            }
        }
    }

    /// <summary>Writes a window as bytes, turned and flipped: every value times a factor, rounded to the nearest of 0 to 255, halves to the even one.</summary>
    /// <param name="window">The window.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="target">Takes an image of as many channels.</param>
    public unsafe void WriteTo(PixelWindow window, float factor, ImageBuffer target)
    {
        (int start, int columnStep, int rowStep) = window.WalkOf(Width);
        target.SetSize(window.OutputWidth, window.OutputHeight, Channels);
        (int width, int height, int channels) = (target.Width, target.Height, Channels);
        fixed (float* values = _values)
        fixed (byte* pixels = target.Pixels)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                byte* to = pixels + channel;
                for (int y = 0; y < height; y++)
                {
                    float* from = values + (channel * Width * Height) + start + (y * rowStep);
                    for (int x = 0; x < width; x++, from += columnStep, to += channels)
                        *to = (byte)MathF.Round(Math.Clamp(*from * factor, 0f, 255f));
                }
            }
        }
    }

    /// <summary>Writes all of it as bytes, as <see cref="WriteTo(PixelWindow, float, ImageBuffer)"/> does.</summary>
    public void WriteTo(float factor, ImageBuffer target) => WriteTo(new PixelWindow(0, 0, Width, Height), factor, target);
}
