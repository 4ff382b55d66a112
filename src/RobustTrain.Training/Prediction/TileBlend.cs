namespace RobustTrain.Training.Prediction;

/// <summary>
/// Adds up the weighted values of tiles, classes' probabilities or channels, over a band of rows that moves down an image. The rows above the next tiles are complete and
/// handed out, so that memory holds as many rows as a tile has, whatever the image's height.
/// </summary>
/// <param name="classes">The classes, or the channels.</param>
/// <param name="width">The image's pixels in a row.</param>
/// <param name="rows">The rows of a tile.</param>
internal sealed class TileBlend(int classes, int width, int rows)
{
    private readonly float[] _sums = new float[classes * rows * width];
    private readonly float[] _weights = new float[rows * width];

    /// <summary>The classes, or the channels.</summary>
    public int Planes => classes;

    /// <summary>The image's row that the band begins at.</summary>
    public int Top { get; private set; }

    /// <summary>Adds a tile.</summary>
    /// <param name="values">Classes x rows x columns of the tile.</param>
    /// <param name="left">Its first column in the image.</param>
    /// <param name="top">Its first row in the image.</param>
    /// <param name="columnWeights">The weight of each of its columns.</param>
    /// <param name="rowWeights">The weight of each of its rows.</param>
    public void Add(ReadOnlySpan<float> values, int left, int top, float[] columnWeights, float[] rowWeights)
    {
        for (int y = 0; y < rowWeights.Length; y++)
        {
            int row = ((top - Top + y) * width) + left;
            for (int x = 0; x < columnWeights.Length; x++)
                _weights[row + x] += rowWeights[y] * columnWeights[x];
            for (int c = 0; c < classes; c++)
            {
                ReadOnlySpan<float> source = values.Slice(((c * rowWeights.Length) + y) * columnWeights.Length, columnWeights.Length);
                Span<float> target = _sums.AsSpan((c * rows * width) + row, columnWeights.Length);
                for (int x = 0; x < source.Length; x++)
                    target[x] += source[x] * (rowWeights[y] * columnWeights[x]);
            }
        }
    }

    /// <summary>The blended value of a class at a pixel of the band.</summary>
    public float At(int c, int x, int y) => _sums[(c * rows * width) + ((y - Top) * width) + x] / _weights[((y - Top) * width) + x];

    /// <summary>Moves the band down: the rows above are forgotten, those that come are empty.</summary>
    public void MoveTo(int top)
    {
        int gone = Math.Min(rows, top - Top) * width;
        for (int c = 0; c <= classes; c++)
        {
            Span<float> plane = c < classes ? _sums.AsSpan(c * rows * width, rows * width) : _weights;
            plane[gone..].CopyTo(plane);
            plane[(plane.Length - gone)..].Clear();
        }

        Top = top;
    }
}
