namespace RobustTrain.Data.Imaging;

/// <summary>What an image's header says.</summary>
/// <param name="Format">The file format.</param>
/// <param name="Width">Pixels in a row, as a viewer shows it.</param>
/// <param name="Height">Rows, as a viewer shows it.</param>
/// <param name="Channels">1 (grey) or 3 (red, green, blue), once it is decoded.</param>
/// <param name="IsIndexed">Whether the pixels are indices into a palette; with one channel the palette has only greys.</param>
public readonly record struct ImageInfo(ImageFormat Format, int Width, int Height, int Channels, bool IsIndexed = false)
{
    /// <summary>The EXIF orientation, 1 to 8; 1 where the pixels stand as they are shown.</summary>
    public int Orientation { get; init; } = 1;

    /// <summary>The bits of a channel, or of an index, in the file.</summary>
    public int Depth { get; init; } = 8;

    /// <summary>Whether the file has an alpha channel or a transparent colour.</summary>
    public bool HasAlpha { get; init; }

    /// <summary>Whether the file has the colours of print.</summary>
    public bool IsCmyk { get; init; }

    /// <summary>The size of the file's own rows and columns, before they are turned.</summary>
    public ImageSize StoredSize => Orientation >= 5 ? new(Height, Width) : new(Width, Height);

    /// <summary>What decoding does to the pixels.</summary>
    public ImageConversions Conversions =>
        (Orientation > 1 ? ImageConversions.Turned : 0)
        | (Depth == 16 ? ImageConversions.ScaledTo8Bits : 0)
        | (HasAlpha ? ImageConversions.AlphaDropped : 0)
        | (IsCmyk ? ImageConversions.CmykToRgb : 0);

    /// <summary>The size for people, as in <c>952x640 RGB</c>.</summary>
    public override string ToString() => $"{Width}x{Height} {(Channels == 1 ? "grey" : IsIndexed ? "palette" : "RGB")}";

    /// <summary>The image as a viewer shows it whose file says how it is to be turned.</summary>
    internal ImageInfo TurnedBy(int orientation)
    {
        (int width, int height) = StoredSize;
        return this with { Width = orientation >= 5 ? height : width, Height = orientation >= 5 ? width : height, Orientation = orientation };
    }
}

/// <summary>The file formats that can be decoded, told apart by content.</summary>
public enum ImageFormat
{
    /// <summary>JPEG.</summary>
    Jpeg,

    /// <summary>PNG.</summary>
    Png,

    /// <summary>Windows bitmap, uncompressed.</summary>
    Bmp,
}

/// <summary>A size in pixels.</summary>
public readonly record struct ImageSize(int Width, int Height)
{
    /// <summary>A size from its two numbers.</summary>
    public static implicit operator ImageSize((int Width, int Height) size) => new(size.Width, size.Height);
}

/// <summary>What is done to an image's pixels so that they are 8-bit grey or RGB, and stand as a viewer shows them.</summary>
[Flags]
public enum ImageConversions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>They are turned or mirrored by the EXIF orientation.</summary>
    Turned = 1,

    /// <summary>16 bits a channel are scaled to 8.</summary>
    ScaledTo8Bits = 2,

    /// <summary>The alpha channel, or a transparent colour, is dropped.</summary>
    AlphaDropped = 4,

    /// <summary>CMYK becomes RGB.</summary>
    CmykToRgb = 8,
}
