using FsCheck;
using FsCheck.Xunit;
using RobustTrain.Reports;
using RobustTrain.Reports.Plots;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Reports;

public sealed class PlotTests : IDisposable
{
    private readonly StoryFolder _run = new();

    public void Dispose() => _run.Dispose();

    [Property]
    public bool An_axis_places_its_values_between_0_and_1_and_has_few_ticks_on_it(NormalFloat first, NormalFloat second, bool isLogarithmic)
    {
        double[] values = [.. new[] { first.Get, second.Get }.Select(value => Math.Round(Math.IEEERemainder(value, 1e9), 6)).Select(value => isLogarithmic ? Math.Abs(value) + 1e-9 : value)];
        PlotAxis axis = PlotAxis.Over(values, isLogarithmic)!;
        IReadOnlyList<double> ticks = axis.Ticks(6);
        return values.All(value => axis.Place(value) is >= -1e-9 and <= 1 + 1e-9) && ticks.Count is >= 1 and <= 20;
    }

    [Property]
    public bool Thinning_keeps_the_extremes_and_the_order(NonEmptyArray<NormalFloat> values, PositiveInt most)
    {
        PlotSeries all = new("a", [.. values.Get.Select((value, place) => new PlotPoint(place, value.Get))]);
        PlotSeries thinned = all.Thinned(most.Get);
        return thinned.Points.Max(point => point.Y) == all.Points.Max(point => point.Y)
            && thinned.Points.Min(point => point.Y) == all.Points.Min(point => point.Y)
            && thinned.Points.Zip(thinned.Points.Skip(1)).All(pair => pair.First.X < pair.Second.X)
            && thinned.Points.Count <= Math.Max(2, Math.Max(most.Get, 1));
    }

    [Theory]
    [InlineData(40, false)]
    [InlineData(79, false)]
    [InlineData(40, true)]
    [InlineData(120, true)]
    public void A_plot_in_letters_fits_its_width(int width, bool isAscii)
    {
        Plot plot = new("loss of a run with a very long name that does not fit into a narrow window at all", "step", [Curve("one", 500), Curve("two", 300)]);
        string[] lines = [.. TextPlot.Draw(plot, width, 12, isAscii, isColored: false)];

        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.Equal(12 + 6, lines.Length);
        if (isAscii)
            Assert.All(lines.Skip(1), line => Assert.True(line.All(char.IsAscii), line));
        Assert.Contains(lines, line => line.Contains("two", StringComparison.Ordinal));
    }

    [Fact]
    public void A_rising_curve_begins_at_the_lower_left_and_ends_at_the_upper_right()
    {
        string[] lines = [.. TextPlot.Draw(new Plot("t", "step", [new PlotSeries("a", [new(0, 0), new(10, 1)])]), 40, 5, isAscii: true, isColored: false)];

        Assert.Equal("t", lines[0]);
        Assert.EndsWith("*", lines[1], StringComparison.Ordinal);
        Assert.Matches(@"^\s*0 \+\*", lines[5]);
    }

    [Fact]
    public void Curves_without_values_say_so()
    {
        string[] lines = [.. TextPlot.Draw(new Plot("t", "step", [new PlotSeries("a", [new(0, double.NaN)])]), 40, 5, isAscii: true, isColored: false)];
        Assert.Equal(["t", "Nothing to draw yet."], lines);
    }

    [Fact]
    public void A_runs_curves_are_what_its_files_say()
    {
        _run.Write(epochs: 2);
        RunStory story = RunStory.Read(_run.Path);

        PlotSeries loss = RunMetrics.Read(story, "loss", "a");
        Assert.Equal(20, loss.Points.Count);
        Assert.Equal(new PlotPoint(19, 0.05), loss.Points[^1]);
        Assert.Equal([new PlotPoint(0, 0.5), new PlotPoint(1, 0.6)], RunMetrics.Read(story, "f1", "a").Points);
        Assert.Equal(2, RunMetrics.Read(story, "data_wait_percent", "a").Points[0].Y);
        Assert.Equal("epoch", RunMetrics.XNameOf("f1"));
    }

    [Fact]
    public void A_metric_that_a_run_has_not_is_refused_with_the_nearest_name()
    {
        _run.Write(epochs: 1);
        RunException refused = Assert.Throws<RunException>(() => RunPlot.Of([_run.Path], "learning_rat", 0, false, null, CancellationToken.None));
        Assert.Equal("MetricNotFound", refused.ErrorId);
        Assert.EndsWith("has no metric 'learning_rat'; did you mean 'learning_rate'?", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_of_one_name_are_told_apart_by_their_folders()
    {
        _run.Write(epochs: 1, name: "same");
        _run.Write(epochs: 1, name: "same", run: "other");
        Plot plot = RunPlot.Of([_run.Path, Path.Combine(_run.Parent, "other")], "loss", 0.5, false, null, CancellationToken.None);
        Assert.Equal(["run", "other"], plot.Series.Select(series => series.Name));
        Assert.Equal("loss, smoothed by 0.5", plot.Title);
    }

    private static PlotSeries Curve(string name, int points) => new(name, [.. Enumerable.Range(0, points).Select(step => new PlotPoint(step, Math.Sin(step / 20.0) / (1 + (step / 50.0))))]);
}
