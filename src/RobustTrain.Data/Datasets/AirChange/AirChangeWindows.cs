using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>The part of its scene that each sample of the AirChange benchmark shows.</summary>
internal sealed class AirChangeWindows(AirChangeOptions options)
{
    private readonly (int X, int Y)[] _tiles = AirChangeLayout.Tiles(options.CropSize);

    /// <summary>Where training crops may begin.</summary>
    public CropCorners[] Corners { get; } = AirChangeLayout.CornersOf(options.CropSize);

    /// <summary>The samples of one scene.</summary>
    public int PerScene => options.Split switch
    {
        DatasetSplit.Train => AirChangeLayout.CropsPerScene,
        DatasetSplit.Val => _tiles.Length,
        _ => 1,
    };

    /// <summary>A sample's name within its scene, to follow the scene's.</summary>
    public string NameOf(int sample) => options.Split switch
    {
        DatasetSplit.Train => $" crop {sample % PerScene}",
        DatasetSplit.Val => $" at {_tiles[sample % PerScene]}",
        _ => "",
    };

    /// <summary>A sample's window, turned where it trains.</summary>
    /// <param name="key">The sample.</param>
    /// <param name="changedIn">Finds the changed pixels of a scene; asked only for crops that shall hold one.</param>
    public PixelWindow Of(SampleKey key, Func<int, ChangedPixels> changedIn)
    {
        switch (options.Split)
        {
            case DatasetSplit.Train:
                SampleRandom random = new(key, SampleStreams.Geometry);
                int place = random.NextInt(Corners[0].Count + Corners[1].Count);
                (int x, int y) = place < Corners[0].Count ? Corners[0][place] : Corners[1][place - Corners[0].Count];
                SampleRandom change = new(key, SampleStreams.Change);
                if (change.NextBool(options.ChangedCropShare))
                    (x, y) = changedIn(key.Index / PerScene).DrawCorner(Corners, options.CropSize, ref change) ?? (x, y);
                return new PixelWindow(x, y, options.CropSize, options.CropSize).Vary(options.Augmentation, ref random);
            case DatasetSplit.Val:
                (int tileX, int tileY) = _tiles[key.Index % PerScene];
                return new PixelWindow(tileX, tileY, options.CropSize, options.CropSize);
            default:
                return new PixelWindow(0, 0, AirChangeLayout.TestWidth, AirChangeLayout.TestHeight);
        }
    }
}

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
