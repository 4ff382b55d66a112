using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Augmentation;

/// <summary>Changes an image's size, pixel centres aligned as torch's <c>interpolate(align_corners=False)</c> aligns them.</summary>
public static class Resizer
{
    /// <summary>Bilinear, without a low-pass filter; for images.</summary>
    public static void Bilinear(ImageBuffer source, ImageBuffer target, int width, int height)
    {
        target.SetSize(width, height, source.Channels);
        int channels = source.Channels;
        double scaleX = (double)source.Width / width;
        double scaleY = (double)source.Height / height;
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom, float down) = Between(y, scaleY, source.Height);
            ReadOnlySpan<byte> upper = source.Row(top);
            ReadOnlySpan<byte> lower = source.Row(bottom);
            Span<byte> row = target.Row(y);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, float across) = Between(x, scaleX, source.Width);
                for (int channel = 0; channel < channels; channel++)
                {
                    float above = Mix(upper[(left * channels) + channel], upper[(right * channels) + channel], across);
                    float below = Mix(lower[(left * channels) + channel], lower[(right * channels) + channel], across);
                    row[(x * channels) + channel] = (byte)(Mix(above, below, down) + 0.5f);
                }
            }
        }
    }

    /// <summary>The nearest pixel's value; for class maps, whose values can't be mixed.</summary>
    public static void Nearest(ImageBuffer source, ImageBuffer target, int width, int height)
    {
        target.SetSize(width, height, source.Channels);
        int channels = source.Channels;
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = source.Row((int)((((2L * y) + 1) * source.Height) / (2L * height)));
            Span<byte> row = target.Row(y);
            for (int x = 0; x < width; x++)
            {
                int left = (int)((((2L * x) + 1) * source.Width) / (2L * width));
                from.Slice(left * channels, channels).CopyTo(row.Slice(x * channels, channels));
            }
        }
    }

    private static float Mix(float first, float second, float share) => first + ((second - first) * share);

    private static (int Low, int High, float Share) Between(int place, double scale, int size)
    {
        double centre = Math.Max(0, ((place + 0.5) * scale) - 0.5);
        int low = Math.Min((int)centre, size - 1);
        return (low, Math.Min(low + 1, size - 1), (float)(centre - low));
    }
}
