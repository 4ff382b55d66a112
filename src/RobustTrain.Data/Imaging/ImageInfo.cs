namespace RobustTrain.Data.Imaging;

/// <summary>What an image's header says.</summary>
/// <param name="Format">The file format.</param>
/// <param name="Width">Pixels in a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 (grey) or 3 (red, green, blue).</param>
/// <param name="IsIndexed">Whether the pixels are indices into a palette that is not just greys.</param>
public readonly record struct ImageInfo(ImageFormat Format, int Width, int Height, int Channels, bool IsIndexed = false)
{
    /// <summary>The size for people, as in <c>952x640 RGB</c>.</summary>
    public override string ToString() => $"{Width}x{Height} {(IsIndexed ? "palette" : Channels == 1 ? "grey" : "RGB")}";
}
