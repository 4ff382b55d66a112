using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>A decoded scene.</summary>
/// <param name="Image1">The earlier image.</param>
/// <param name="Image2">The later image.</param>
/// <param name="Label">What changed, one channel.</param>
internal sealed record Scene(ImageBuffer Image1, ImageBuffer Image2, ImageBuffer Label)
{
    public long Bytes => Image1.Pixels.Length + Image2.Pixels.Length + Label.Pixels.Length;
}
