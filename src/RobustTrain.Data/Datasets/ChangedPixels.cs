using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets;

/// <summary>
/// The changed pixels of a label that crops can hold, to draw crops with change in them (Isensee et al., nnU-Net, Nature Methods 18, 2021:
/// oversampling of the foreground). It keeps its memory from label to label; one thread at a time finds.
/// </summary>
internal sealed class ChangedPixels
{
    private int[] _places = [];
    private int _count;
    private int _width;

    /// <summary>Finds the pixels of a class above 0.</summary>
    /// <param name="label">The label, one channel.</param>
    /// <param name="classes">What its bytes mean.</param>
    /// <param name="corners">Where crops may begin.</param>
    /// <param name="cropSize">The side of a crop.</param>
    public void Find(ImageBuffer label, LabelClasses classes, ReadOnlySpan<CropCorners> corners, int cropSize)
    {
        _count = 0;
        _width = label.Width;
        for (int y = 0; y < label.Height; y++)
        {
            ReadOnlySpan<byte> row = label.Row(y);
            for (int x = classes.IndexOfChange(row, 0); x >= 0; x = classes.IndexOfChange(row, x + 1))
            {
                if (Count(corners, x, y, cropSize) > 0)
                    Add((y * _width) + x);
            }
        }
    }

    /// <summary>Draws a changed pixel, each as likely, and a crop around it, each as likely.</summary>
    /// <returns>The crop's corner; null where nothing changed.</returns>
    public (int X, int Y)? DrawCorner(ReadOnlySpan<CropCorners> corners, int cropSize, ref SampleRandom random)
    {
        if (_count == 0)
            return null;
        (int y, int x) = Math.DivRem(_places[random.NextInt(_count)], _width);
        int place = random.NextInt(Count(corners, x, y, cropSize));
        foreach (CropCorners area in corners)
        {
            CropCorners around = area.Around(x, y, cropSize);
            if (place < around.Count)
                return around[place];
            place -= around.Count;
        }

        throw new InvalidOperationException("The corners are not those that the pixels were found for.");
    }

    private static int Count(ReadOnlySpan<CropCorners> corners, int x, int y, int cropSize)
    {
        int count = 0;
        foreach (CropCorners area in corners)
            count += area.Around(x, y, cropSize).Count;
        return count;
    }

    private void Add(int place)
    {
        if (_count == _places.Length)
            Array.Resize(ref _places, Math.Max(1024, 2 * _count));
        _places[_count++] = place;
    }
}

/// <summary>A rectangle of places for the top left corner of a crop.</summary>
/// <param name="X">The first column.</param>
/// <param name="Y">The first row.</param>
/// <param name="Columns">Columns, 0 or more.</param>
/// <param name="Rows">Rows, 0 or more.</param>
internal readonly record struct CropCorners(int X, int Y, int Columns, int Rows)
{
    /// <summary>How many places there are.</summary>
    public int Count => Columns * Rows;

    /// <summary>A place, counted along the rows.</summary>
    public (int X, int Y) this[int place] => (X + (place % Columns), Y + (place / Columns));

    /// <summary>The places whose crops hold a pixel.</summary>
    /// <param name="x">The pixel's column.</param>
    /// <param name="y">The pixel's row.</param>
    /// <param name="cropSize">The side of a crop.</param>
    public CropCorners Around(int x, int y, int cropSize)
    {
        int left = Math.Max(X, x - cropSize + 1);
        int top = Math.Max(Y, y - cropSize + 1);
        return new CropCorners(left, top, Math.Max(0, Math.Min(X + Columns, x + 1) - left), Math.Max(0, Math.Min(Y + Rows, y + 1) - top));
    }
}

/// <summary>The streams of a sample's randomness, one for each purpose, so that what one draws changes nothing for another.</summary>
internal static class SampleStreams
{
    /// <summary>Where it is cut out, how it is turned.</summary>
    public const uint Geometry = 0;

    /// <summary>Its images' colours.</summary>
    public const uint Color = 1;

    /// <summary>Whether and where it is cut out around change.</summary>
    public const uint Change = 2;

    /// <summary>What its low-quality image suffers.</summary>
    public const uint Degradation = 3;
}
