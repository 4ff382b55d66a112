namespace RobustTrain.Data.Imaging;

/// <summary>
/// An image in memory: rows from the top, channels interleaved (red, green, blue), 8 bits each. Reused, it grows but never shrinks.
/// Where both sides agree, it has a JPEG's own planes instead (luma, blue and red chroma), which are not colours yet.
/// </summary>
public sealed class ImageBuffer
{
    /// <summary>The bytes behind the last pixel that vector code may read, and ignores.</summary>
    internal const int Slack = 64;

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
    /// <exception cref="InvalidOperationException">The image is in planes.</exception>
    public Span<byte> Pixels => Chroma is null
        ? _pixels.AsSpan(0, Stride * Height)
        : throw new InvalidOperationException("The image is in a JPEG's planes, and not in pixels.");

    /// <summary>How the planes hold their colours; null where the channels are interleaved.</summary>
    internal ChromaSampling? Chroma { get; private set; }

    /// <summary>The chroma planes' columns, and the bytes of their rows.</summary>
    internal int ChromaWidth => Chroma == ChromaSampling.Full ? Width : (Width + 1) / 2;

    /// <summary>The chroma planes' rows.</summary>
    internal int ChromaHeight => Chroma == ChromaSampling.Quarter ? (Height + 1) / 2 : Height;

    /// <summary>The bytes of a row of luma: an even number, as libjpeg-turbo fills them where chroma has half the columns.</summary>
    internal int LumaStride => Chroma == ChromaSampling.Full ? Width : (Width + 1) & ~1;

    private int LumaHeight => Chroma == ChromaSampling.Quarter ? (Height + 1) & ~1 : Height;

    /// <summary>The planes, one after the other: luma, blue chroma, red chroma.</summary>
    internal ref byte FirstPlane => ref _pixels[0];

    /// <summary>Where the blue chroma begins; the red follows it.</summary>
    internal int ChromaStart => LumaStride * LumaHeight;

    /// <summary>The pixels of a row.</summary>
    public Span<byte> Row(int y) => Pixels.Slice(y * Stride, Stride);

    /// <summary>Sets the size; the pixels are undefined afterwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or channels are neither 1 nor 3.</exception>
    public void SetSize(int width, int height, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3))
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1 or 3 channels.");

        Reserve(checked(width * height * channels));
        (Width, Height, Channels, Chroma) = (width, height, channels, null);
    }

    /// <summary>Sets the size of an image in planes, which are undefined afterwards.</summary>
    internal void SetPlanes(int width, int height, ChromaSampling chroma)
    {
        SetSize(width, height, 3);
        Chroma = chroma;
        Reserve(checked(ChromaStart + (2 * ChromaWidth * ChromaHeight)));
    }

    private void Reserve(int length)
    {
        if (_pixels.Length < length + Slack)
            _pixels = GC.AllocateUninitializedArray<byte>(checked(length + Slack));
    }
}
