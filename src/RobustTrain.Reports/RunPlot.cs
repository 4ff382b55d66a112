using System.Globalization;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;

namespace RobustTrain.Reports;

/// <summary>One metric of runs, laid over each other.</summary>
public static class RunPlot
{
    /// <summary>Reads the curves.</summary>
    /// <param name="folders">The folders of the runs.</param>
    /// <param name="metric">What is drawn.</param>
    /// <param name="smooth">How much of the mean of the points before goes into each point, 0 to below 1.</param>
    /// <param name="isLogarithmic">Whether values are drawn by their logarithm.</param>
    /// <param name="progress">Is told what is read.</param>
    /// <param name="stopping">Gives up.</param>
    /// <exception cref="RunException">A folder holds no run, or its run has no such metric.</exception>
    public static Plot Of(IReadOnlyList<string> folders, string metric, double smooth, bool isLogarithmic, Action<string>? progress, CancellationToken stopping)
    {
        RunStory[] stories = [.. folders.Select(folder => RunStory.Read(folder, progress, stopping))];
        string smoothed = smooth > 0 ? string.Create(CultureInfo.InvariantCulture, $", smoothed by {smooth:0.##}") : "";
        string title = stories.Length == 1 ? $"{stories[0].Record.Name}: {metric}{smoothed}" : $"{metric}{smoothed}";
        return new Plot(title, RunMetrics.XNameOf(metric), [.. stories.Select(story => Smooth(RunMetrics.Read(story, metric, NameOf(story, stories)), smooth))])
        {
            IsLogarithmic = isLogarithmic,
            Marks = stories.Length == 1 && RunMetrics.XNameOf(metric) == "step" ? [.. stories[0].Resumptions.Select(step => (double)step)] : [],
        };
    }

    // Runs of one name are told apart by their folders.
    private static string NameOf(RunStory story, RunStory[] all) => all.Count(other => other.Record.Name == story.Record.Name) == 1 ? story.Record.Name
        : all.Count(other => Path.GetFileName(other.Path) == Path.GetFileName(story.Path)) == 1 ? Path.GetFileName(story.Path) : story.Path;

    // An exponential moving average whose bias at the beginning is corrected (Kingma and Ba 2015, section 3).
    private static PlotSeries Smooth(PlotSeries series, double share)
    {
        if (share == 0)
            return series;
        double mean = 0;
        double weight = 0;
        return series with
        {
            Points = [.. series.Points.Where(point => double.IsFinite(point.Y)).Select(point =>
            {
                mean = (share * mean) + ((1 - share) * point.Y);
                weight = (share * weight) + (1 - share);
                return point with { Y = mean / weight };
            })],
        };
    }
}
