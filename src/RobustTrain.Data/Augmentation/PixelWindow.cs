using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Augmentation;

/// <summary>
/// The part of an image that becomes a sample, and how it is turned: cut out, rotated counter-clockwise by quarter turns,
/// then flipped left to right, then top to bottom.
/// </summary>
/// <param name="X">The window's first column.</param>
/// <param name="Y">The window's first row.</param>
/// <param name="Width">Columns, before the rotation.</param>
/// <param name="Height">Rows, before the rotation.</param>
/// <param name="QuarterTurns">Rotation counter-clockwise, 0 to 3.</param>
/// <param name="FlipHorizontally">Whether left and right change sides.</param>
/// <param name="FlipVertically">Whether top and bottom change sides.</param>
public readonly record struct PixelWindow(int X, int Y, int Width, int Height, int QuarterTurns = 0, bool FlipHorizontally = false, bool FlipVertically = false)
{
    /// <summary>Columns of the sample.</summary>
    public int OutputWidth => (QuarterTurns & 1) == 0 ? Width : Height;

    /// <summary>Rows of the sample.</summary>
    public int OutputHeight => (QuarterTurns & 1) == 0 ? Height : Width;

    /// <summary>The same window, turned and flipped at random.</summary>
    public PixelWindow Vary(AugmentationOptions options, ref SampleRandom random)
    {
        int turns = random.NextInt(4);
        bool horizontal = random.NextBool(options.HorizontalFlip);
        bool vertical = random.NextBool(options.VerticalFlip);
        if (!options.Rotate)
            turns = 0;
        else if (Width != Height)
            turns &= 2;
        return this with { QuarterTurns = turns, FlipHorizontally = horizontal, FlipVertically = vertical };
    }

    /// <summary>Where a pixel of the sample comes from.</summary>
    public (int X, int Y) SourceOf(int x, int y)
    {
        if (FlipVertically)
            y = OutputHeight - 1 - y;
        if (FlipHorizontally)
            x = OutputWidth - 1 - x;
        (int sourceX, int sourceY) = QuarterTurns switch
        {
            0 => (x, y),
            1 => (Width - 1 - y, x),
            2 => (Width - 1 - x, Height - 1 - y),
            _ => (y, Height - 1 - x),
        };
        return (X + sourceX, Y + sourceY);
    }

    /// <summary>The walk through a source's pixels that yields the sample's row by row.</summary>
    /// <param name="sourceWidth">Pixels in a row of the source.</param>
    internal PixelWalk WalkOf(int sourceWidth)
    {
        int start = PlaceOf(0, 0, sourceWidth);
        return new PixelWalk(start, PlaceOf(1, 0, sourceWidth) - start, PlaceOf(0, 1, sourceWidth) - start);
    }

    private int PlaceOf(int x, int y, int sourceWidth)
    {
        (int sourceX, int sourceY) = SourceOf(x, y);
        return (sourceY * sourceWidth) + sourceX;
    }
}

/// <summary>A walk through a source's pixels.</summary>
/// <param name="Start">The first pixel's place.</param>
/// <param name="ColumnStep">From one column to the next, in pixels.</param>
/// <param name="RowStep">From one row to the next, in pixels.</param>
internal readonly record struct PixelWalk(int Start, int ColumnStep, int RowStep);
