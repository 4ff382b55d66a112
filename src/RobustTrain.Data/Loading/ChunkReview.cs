namespace RobustTrain.Data.Loading;

/// <summary>How many samples a worker takes at once: cheap ones many at a time, so that taking them does not cost more than loading them.</summary>
internal sealed class ChunkReview(LoaderSession session, StreamTimes times)
{
    private const double ChunkSeconds = 20e-6;
    private const int Interval = 16;

    private int _chunk = 1;

    /// <summary>The chunk for a batch of so many samples. Under the session's gate.</summary>
    public int For(int count)
    {
        if (session.LoadsInPlace || times.Batches % Interval != 0)
            return _chunk;
        StageTotals totals = times.SinceOpened();
        if (totals.Samples == 0)
            return _chunk;
        double each = Math.Max(StreamTimes.Seconds(totals.LoadTicks) / totals.Samples, 1e-9);
        return _chunk = (int)Math.Clamp(ChunkSeconds / each, 1, count);
    }
}
