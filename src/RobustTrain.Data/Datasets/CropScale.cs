using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>The factor by which what is cut out of a scene is resized.</summary>
/// <param name="CropSize">The side of a crop in pixels.</param>
/// <param name="SampleSize">The side that it is resized to; null keeps it.</param>
internal readonly record struct CropScale(int CropSize, int? SampleSize)
{
    /// <summary>Pixels after resizing, rounded.</summary>
    public int Of(int pixels) => SampleSize is int size ? (int)(((2L * pixels * size) + CropSize) / (2L * CropSize)) : pixels;

    /// <summary>The window of a crop that is cut out and resized already, which is yet to be turned.</summary>
    public PixelWindow Whole(PixelWindow window) => window with { X = 0, Y = 0, Width = Of(window.Width), Height = Of(window.Height) };

    /// <summary>Resizes a crop.</summary>
    /// <param name="crop">The crop.</param>
    /// <param name="target">Takes the result, where there is something to resize.</param>
    /// <param name="resize">How; see <see cref="Resizer"/>.</param>
    /// <returns>Where the result is.</returns>
    public ImageBuffer Apply(ImageBuffer crop, ImageBuffer target, Action<ImageBuffer, ImageBuffer, int, int> resize)
    {
        if (SampleSize is null)
            return crop;
        resize(crop, target, Of(crop.Width), Of(crop.Height));
        return target;
    }
}
