namespace RobustTrain.Data.Datasets;

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
