namespace RobustTrain.Dashboard.Journals;

/// <summary>
/// A curve of bounded size: every point by itself until there are too many, then the mean of 2, 4, 8 … neighbours. A point that is not behind the
/// last one replaces what lies from there on: a run that goes on from an older checkpoint computes these steps anew.
/// </summary>
/// <param name="capacity">The most points that it keeps, at least 2.</param>
internal sealed class Series(int capacity)
{
    private readonly List<Bucket> _buckets = [];
    private int _pointsEach = 1;

    /// <summary>How many points are kept.</summary>
    public int Count => _buckets.Count;

    /// <summary>Whether each point that is kept is one that was given.</summary>
    public bool IsExact => _pointsEach == 1;

    /// <summary>Adds a point.</summary>
    public void Add(double x, double y)
    {
        while (_buckets.Count > 0 && _buckets[^1].First >= x)
            _buckets.RemoveAt(_buckets.Count - 1);

        if (_buckets.Count > 0 && _buckets[^1].Count < _pointsEach)
        {
            _buckets[^1] = _buckets[^1].With(new Bucket(x, x, y, 1));
            return;
        }

        _buckets.Add(new Bucket(x, x, y, 1));
        if (_buckets.Count > capacity)
            Halve();
    }

    /// <summary>The places of the points that are kept: of several, the last one's.</summary>
    public double[] X() => [.. _buckets.Select(bucket => bucket.Last)];

    /// <summary>Their values, of several the mean; null where one was no number.</summary>
    public double?[] Y() => [.. _buckets.Select(bucket => double.IsFinite(bucket.Mean) ? bucket.Mean : (double?)null)];

    private void Halve()
    {
        int kept = 0;
        for (int i = 0; i < _buckets.Count; i += 2)
            _buckets[kept++] = i + 1 < _buckets.Count ? _buckets[i].With(_buckets[i + 1]) : _buckets[i];
        _buckets.RemoveRange(kept, _buckets.Count - kept);
        _pointsEach *= 2;
    }

    private readonly record struct Bucket(double First, double Last, double Mean, int Count)
    {
        // Means, not sums: one point's value stays what it is to the last bit.
        public Bucket With(Bucket next) => new(First, next.Last, ((Mean * Count) + (next.Mean * next.Count)) / (Count + next.Count), Count + next.Count);
    }
}
