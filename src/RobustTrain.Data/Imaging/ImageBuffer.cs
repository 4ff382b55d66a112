namespace RobustTrain.Data.Imaging;

/// <summary>
/// An image in memory: rows from the top, channels interleaved (red, green, blue), 8 bits each. Reused, it grows but never shrinks.
/// </summary>
public sealed class ImageBuffer
{
    /// <summary>The bytes behind the last pixel that vector code may read, and ignores.</summary>
    internal const int Slack = 16;

    /// <summary>The most bytes of pixels that it can hold.</summary>
    public static long MostBytes => Array.MaxLength - Slack;

    private byte[] _pixels = [];

    /// <summary>Pixels in a row.</summary>
    public int Width { get; private set; }

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>1 (grey) or 3 (red, green, blue).</summary>
    public int Channels { get; private set; }

    /// <summary>The bytes of a row; rows follow each other without padding.</summary>
    public int Stride => Width * Channels;

    /// <summary>All pixels, row by row.</summary>
    public Span<byte> Pixels => _pixels.AsSpan(0, Stride * Height);

    /// <summary>The pixels of a row.</summary>
    public Span<byte> Row(int y) => Pixels.Slice(y * Stride, Stride);

    /// <summary>Whether an image of a size fits.</summary>
    public static bool CanHold(int width, int height, int channels) => (long)width * height * channels <= MostBytes;

    /// <summary>Sets the size; the pixels are undefined afterwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or channels are neither 1 nor 3.</exception>
    public void SetSize(int width, int height, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3))
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1 or 3 channels.");

        int length = checked((width * height * channels) + Slack);
        if (_pixels.Length < length)
            _pixels = GC.AllocateUninitializedArray<byte>(length);
        (Width, Height, Channels) = (width, height, channels);
    }
}
