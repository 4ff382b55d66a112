namespace RobustTrain.Data.Imaging;

/// <summary>A size in pixels.</summary>
public readonly record struct ImageSize(int Width, int Height)
{
    /// <summary>A size from its two numbers.</summary>
    public static implicit operator ImageSize((int Width, int Height) size) => new(size.Width, size.Height);
}
