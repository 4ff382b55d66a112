namespace RobustTrain.Training.Prediction;

/// <summary>
/// How tiles cover one side of an image: all begin at multiples of a stride, so that a network's pooling cuts a tile as it cuts the whole
/// image; neighbours overlap, and over the overlap the weight of one falls as the weight of the next rises.
/// </summary>
internal sealed class TileAxis
{
    private readonly int _length;
    private readonly int _overlap;

    /// <summary>Covers a side.</summary>
    /// <param name="length">The side's pixels.</param>
    /// <param name="tile">The most pixels of a tile, a multiple of the stride.</param>
    /// <param name="overlap">The pixels that neighbours share at the least, a multiple of the stride, below the tile's.</param>
    /// <param name="stride">What the starts are multiples of.</param>
    public TileAxis(int length, int tile, int overlap, int stride)
    {
        _length = length;
        _overlap = overlap;
        List<(int Start, int Length)> tiles = [];
        int start = 0;
        for (; start + tile < length; start += tile - overlap)
            tiles.Add((start, tile));
        if (tiles.Count > 0)
            start = Math.Min(start, (length - tile + stride - 1) / stride * stride);
        tiles.Add((start, length - start));
        Tiles = tiles;
    }

    /// <summary>The tiles, in order.</summary>
    public IReadOnlyList<(int Start, int Length)> Tiles { get; }

    /// <summary>The weight of each pixel of a tile, above 0: 1 within, and falling over the overlap where a neighbour goes on.</summary>
    /// <param name="tile">The tile's number.</param>
    /// <param name="scale">How many pixels of the result stand for one of the side.</param>
    public float[] WeightsOf(int tile, int scale = 1)
    {
        (int start, int length) = Tiles[tile];
        float[] weights = new float[scale * length];
        float fading = scale * _overlap;
        for (int at = 0; at < weights.Length; at++)
        {
            float before = start == 0 ? 1 : (at + 0.5f) / fading;
            float after = start + length == _length ? 1 : (weights.Length - at - 0.5f) / fading;
            weights[at] = Math.Min(1, Math.Min(before, after));
        }

        return weights;
    }
}
