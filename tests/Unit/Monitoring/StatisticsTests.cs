using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;

namespace RobustTrain.Tests.Monitoring;

public sealed class StatisticsTests
{
    [Property]
    public bool A_window_tells_the_least_greatest_and_mean_of_its_last_samples(PositiveInt size, short?[] samples)
    {
        int capacity = (size.Get % 20) + 1;
        var window = new SlidingWindow(capacity);
        foreach (short? sample in samples)
            window.Add(sample);

        double[] known = [.. samples.TakeLast(capacity).Where(sample => sample is not null).Select(sample => (double)sample!)];
        WindowStatistics found = window.Statistics;
        return known.Length == 0
            ? found == default
            : found.Min == known.Min() && found.Max == known.Max() && Math.Abs(found.Mean!.Value - known.Average()) < 1e-9;
    }

    [Fact]
    public void Expensive_values_are_read_as_seldom_as_their_cost_demands()
    {
        var cadence = new ExpensiveCadence(TimeSpan.FromSeconds(1), share: 0.001);
        Assert.Equal(SampleDetail.Full, cadence.Next());
        cadence.Measured(SampleDetail.Full, TimeSpan.FromMilliseconds(11));
        Assert.Equal(SampleDetail.Cheap, cadence.Next());
        cadence.Measured(SampleDetail.Cheap, TimeSpan.FromMilliseconds(1));

        // 10 ms more than a cheap sample, at 1 ms a second: every tenth.
        Assert.Equal(10, cadence.Period);
        SampleDetail[] details = [.. Enumerable.Range(0, 30).Select(_ => cadence.Next())];
        Assert.Equal(3, details.Count(detail => detail == SampleDetail.Full));
    }

    [Fact]
    public void Expensive_values_are_never_older_than_a_minute()
    {
        var cadence = new ExpensiveCadence(TimeSpan.FromSeconds(1), share: 0.001);
        cadence.Next();
        cadence.Measured(SampleDetail.Full, TimeSpan.FromSeconds(3));
        Assert.Equal(60, cadence.Period);
    }
}
