namespace RobustTrain.Reports.Plots;

/// <summary>A curve.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Points">Its points, in order of x; values that are not finite are gaps.</param>
public sealed record PlotSeries(string Name, IReadOnlyList<PlotPoint> Points)
{
    /// <summary>The same curve with at most some points: of each stretch the lowest and the highest, so that no spike is lost.</summary>
    public PlotSeries Thinned(int most)
    {
        if (Points.Count <= most)
            return this;
        int stretches = Math.Max(1, most / 2);
        List<PlotPoint> kept = new(2 * stretches);
        for (int stretch = 0; stretch < stretches; stretch++)
        {
            int begin = (int)((long)Points.Count * stretch / stretches);
            int end = (int)((long)Points.Count * (stretch + 1) / stretches);
            int low = begin;
            int high = begin;
            for (int at = begin; at < end; at++)
            {
                low = double.IsNaN(Points[low].Y) || Points[at].Y < Points[low].Y ? at : low;
                high = double.IsNaN(Points[high].Y) || Points[at].Y > Points[high].Y ? at : high;
            }

            kept.Add(Points[Math.Min(low, high)]);
            if (low != high)
                kept.Add(Points[Math.Max(low, high)]);
        }

        return this with { Points = kept };
    }
}

/// <summary>A point of a curve.</summary>
/// <param name="X">The step or the epoch.</param>
/// <param name="Y">The value.</param>
public readonly record struct PlotPoint(double X, double Y);

/// <summary>What curves of one picture share.</summary>
/// <param name="Title">What is shown.</param>
/// <param name="XName">What x is: step or epoch.</param>
/// <param name="Series">The curves.</param>
public sealed record Plot(string Title, string XName, IReadOnlyList<PlotSeries> Series)
{
    /// <summary>Places on the x axis that are marked: where a process has gone on with the run.</summary>
    public IReadOnlyList<double> Marks { get; init; } = [];

    /// <summary>Whether y is drawn by its logarithm.</summary>
    public bool IsLogarithmic { get; init; }

    /// <summary>Whether the axis of y begins at 0, so that heights can be compared.</summary>
    public bool BeginsAtZero { get; init; }

    /// <summary>The axis of x; null where no curve has a finite point.</summary>
    public PlotAxis? XAxis() => PlotAxis.Over(Finite().Select(point => point.X), isLogarithmic: false, isWhole: true);

    /// <summary>The axis of y; null where no curve has a finite point.</summary>
    public PlotAxis? YAxis() => PlotAxis.Over(Finite().SelectMany(point => BeginsAtZero ? (double[])[0, point.Y] : [point.Y]), IsLogarithmic);

    private IEnumerable<PlotPoint> Finite() => Series.SelectMany(series => series.Points).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y) && (!IsLogarithmic || point.Y > 0));
}
