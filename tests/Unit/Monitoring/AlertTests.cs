using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

public sealed class AlertTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ManualTime clock = new();

    [Fact]
    public void A_limit_is_raised_only_after_the_whole_time_and_only_once()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("TemperatureCelsius > 85 for 30s")], clock);
        Assert.Empty(evaluator.Evaluate(Gpu(0, 90)));
        Assert.Empty(evaluator.Evaluate(Gpu(29, 90)));
        MonitorAlert alert = Assert.Single(evaluator.Evaluate(Gpu(30, 91)));
        Assert.Equal(AlertState.Raised, alert.State);
        Assert.Equal(91, alert.Value);
        Assert.Equal(Begin, alert.Since);
        Assert.Equal(3, alert.Index);
        Assert.Contains("host GPU 3: TemperatureCelsius is 91", alert.Message, StringComparison.Ordinal);
        Assert.Empty(evaluator.Evaluate(Gpu(31, 92)));
        Assert.Empty(evaluator.Evaluate(Gpu(100, 92)));
    }

    [Fact]
    public void A_value_that_dips_for_a_moment_begins_the_time_anew()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("TemperatureCelsius > 85 for 30s")], clock);
        evaluator.Evaluate(Gpu(0, 90)).Count();
        evaluator.Evaluate(Gpu(20, 85)).Count();
        evaluator.Evaluate(Gpu(21, 90)).Count();
        Assert.Empty(evaluator.Evaluate(Gpu(40, 90)));
        Assert.Single(evaluator.Evaluate(Gpu(51, 90)));
    }

    [Fact]
    public void A_limit_with_a_clearing_value_is_cleared_only_behind_it()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("TemperatureCelsius > 85 for 2s clear 80")], clock);
        evaluator.Evaluate(Gpu(0, 90)).Count();
        Assert.Single(evaluator.Evaluate(Gpu(2, 90)));
        Assert.Empty(evaluator.Evaluate(Gpu(3, 83)));
        Assert.Empty(evaluator.Evaluate(Gpu(10, 83)));
        Assert.Empty(evaluator.Evaluate(Gpu(11, 80)));
        Assert.Equal(AlertState.Cleared, Assert.Single(evaluator.Evaluate(Gpu(13, 79))).State);
    }

    [Fact]
    public void A_clock_that_is_set_raises_no_limit_and_holds_none_back()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("TemperatureCelsius > 85 for 30s")], clock);
        Assert.Empty(evaluator.Evaluate(Gpu(0, 90)));
        Assert.Empty(evaluator.Evaluate(Gpu(10, 90) with { Time = Begin.AddDays(1) }));
        Assert.Single(evaluator.Evaluate(Gpu(30, 90) with { Time = Begin.AddDays(-1) }));
    }

    [Fact]
    public void Each_GPU_has_its_own_limit_and_stale_values_are_no_news()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("TemperatureCelsius >= 85")], clock);
        Assert.Single(evaluator.Evaluate(Gpu(0, 85, index: 1)));
        Assert.Single(evaluator.Evaluate(Gpu(0, 85, index: 2)));
        Assert.Empty(evaluator.Evaluate(Gpu(0, 99, index: 4) with { IsConnected = false }));
    }

    [Fact]
    public void A_host_that_is_gone_can_be_watched_for()
    {
        var evaluator = new AlertEvaluator([AlertRule.Parse("IsConnected < 1 for 10s")], clock);
        var cpu = new CpuStatus { ComputerName = "host", Time = Begin, IsConnected = false };
        Assert.Empty(evaluator.Evaluate(cpu));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("host", Assert.Single(evaluator.Evaluate(cpu with { Time = Begin.AddSeconds(10) })).ComputerName);
    }

    [Theory]
    [InlineData("MemoryFreeBytes < 1GB", 1L << 30, 0)]
    [InlineData("utilizationpercent <= 20 % for 2m", 20, 120)]
    [InlineData("PowerWatts>650.5W for 500ms", 650.5, 0.5)]
    public void Rules_are_read_with_units_and_any_letter_case(string text, double threshold, double seconds)
    {
        AlertRule rule = AlertRule.Parse(text);
        Assert.Equal(threshold, rule.Threshold);
        Assert.Equal(seconds, rule.Duration.TotalSeconds);
        Assert.Equal(text, rule.ToString());
    }

    [Theory]
    [InlineData("", "is no alert rule")]
    [InlineData("TemperatureCelsius = 85", "is no alert rule")]
    [InlineData("TemperatureCelsius > hot", "is no alert rule")]
    [InlineData("TemperaturCelsius > 85", "Did you mean TemperatureCelsius?")]
    [InlineData("TemperatureCelsius > 85 clear 90", "must lie on the other side")]
    [InlineData("MemoryFreeBytes < 2GB clear 1GB", "must lie on the other side")]
    public void What_is_no_rule_is_refused_with_the_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => AlertRule.Parse(text)).Message, StringComparison.Ordinal);

    private GpuStatus Gpu(double seconds, int temperature, int index = 3)
    {
        clock.Advance(Begin.AddSeconds(seconds) - clock.GetUtcNow());
        return new() { ComputerName = "host", Time = Begin.AddSeconds(seconds), Index = index, Uuid = $"GPU-{index}", TemperatureCelsius = temperature };
    }
}
