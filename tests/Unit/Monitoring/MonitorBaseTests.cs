using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;

namespace RobustTrain.Tests.Monitoring;

[Collection("monitors, whose threads and children are counted")]
public sealed class MonitorBaseTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly ManualTime clock = new();

    private MonitorOptions Options => new() { Interval = Second, Timeout = 5 * Second, TimeProvider = clock };

    [Fact]
    public void The_first_sample_comes_at_once_and_the_next_after_the_interval()
    {
        var source = new ScriptedSource(() => "one", () => "two", () => "three");
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Start();
        Assert.Equal("one", monitor.Next());
        Tick();
        Assert.Equal("two", monitor.Next());
        Tick();
        Assert.Equal("three", monitor.Next());
        Assert.Equal(3, monitor.Health.SamplesTaken);
        Assert.Equal(MonitorState.Connected, monitor.Health.State);
    }

    [Fact]
    public void Stop_ends_the_thread_and_lets_go_of_the_source_without_waiting_for_the_interval()
    {
        var source = new ScriptedSource(() => "one");
        using var monitor = new ScriptedMonitor(source, Options with { Interval = TimeSpan.FromHours(1) });
        monitor.Start();
        monitor.Next();

        // The clock never moves: only the stop itself can wake the thread.
        Assert.True(monitor.Stop(TimeSpan.FromSeconds(30)));
        Assert.True(source.Disposed.IsSet);
        Assert.Equal(MonitorState.Stopped, monitor.Health.State);
    }

    [Fact]
    public void Stopping_twice_and_disposing_changes_nothing()
    {
        var monitor = new ScriptedMonitor(new ScriptedSource(() => "one"), Options);
        monitor.Start();
        monitor.Next();
        Assert.True(monitor.Stop(TimeSpan.FromSeconds(30)));
        Assert.True(monitor.Stop(TimeSpan.FromSeconds(30)));
        monitor.Dispose();
        Assert.Equal(MonitorState.Stopped, monitor.Health.State);
    }

    [Fact]
    public void A_monitor_that_was_never_started_stops_and_lets_go_of_its_source()
    {
        var source = new ScriptedSource(() => "one");
        var monitor = new ScriptedMonitor(source, Options);
        monitor.Dispose();
        Assert.True(source.Disposed.IsSet);
        Assert.Throws<ObjectDisposedException>(monitor.Start);
    }

    [Fact]
    public void A_sample_that_hangs_is_abandoned_after_the_timeout_and_its_ticks_are_counted_as_missed()
    {
        ScriptedSource source = null!;
        source = new ScriptedSource(() => "one", () => source.Hang(), () => "three");
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Start();
        Assert.Equal("one", monitor.Next());
        DateTimeOffset good = clock.GetUtcNow();
        Tick();
        Until(() => source.Taken == 2 && clock.HasTimerDueWithin(5 * Second));

        clock.Advance(5 * Second);
        Assert.Equal("stale: script has not answered within 5 s.", monitor.Next());
        Assert.Equal(good, monitor.Health.StaleSince);
        clock.Advance(2 * Second);
        Assert.StartsWith("stale", monitor.Next(), StringComparison.Ordinal);
        Assert.StartsWith("stale", monitor.Next(), StringComparison.Ordinal);
        Assert.Equal(1, monitor.Health.SamplesAbandoned);
        Assert.Equal(2, monitor.Health.SamplesMissed);
        Assert.Equal(MonitorState.Stale, monitor.Health.State);

        // The call comes back: its value is from long ago and is not published, and sampling goes on.
        source.Release.Set();
        Until(() => monitor.Health.LastCost.Elapsed >= 5 * Second);
        Tick();
        Assert.Equal("three", monitor.Next());
        Assert.Null(monitor.Health.StaleSince);
    }

    [Fact]
    public void A_sample_that_can_be_interrupted_is_interrupted_after_the_timeout()
    {
        ScriptedSource source = null!;
        source = new ScriptedSource(() => source.Hang(), () => "two") { IsInterruptible = true };
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Start();
        Until(() => source.Taken == 1 && clock.HasTimerDueWithin(5 * Second));
        clock.Advance(5 * Second);
        Assert.StartsWith("stale", monitor.Next(), StringComparison.Ordinal);
        Until(() => monitor.Health.LastCost.Elapsed >= 5 * Second);
        Tick();
        Assert.Equal("two", monitor.Next());
    }

    [Fact]
    public void Stop_leaves_a_hung_call_behind_and_says_so()
    {
        ScriptedSource source = null!;
        source = new ScriptedSource(() => source.Hang());
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Start();
        Until(() => source.Taken == 1);

        Assert.False(monitor.Stop(TimeSpan.FromMilliseconds(50)));
        Assert.Equal(MonitorState.StoppedWithCallAbandoned, monitor.Health.State);
        Assert.Equal(1, monitor.Health.SamplesAbandoned);

        source.Release.Set();
        Assert.True(source.Disposed.Wait(TimeSpan.FromSeconds(30)));
        Until(() => monitor.Health.State == MonitorState.Stopped);
        Assert.Equal(0, monitor.Waiting);
    }

    [Fact]
    public void An_error_is_data_and_the_next_sample_heals_it()
    {
        var source = new ScriptedSource(
            () => throw new MonitorException("X", "The device is gone."),
            () => throw new InvalidOperationException("unforeseen"),
            () => "three");
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Start();
        Assert.Equal("stale: The device is gone.", monitor.Next());
        Tick();
        Assert.Equal("stale: script failed with InvalidOperationException: unforeseen", monitor.Next());
        Assert.Equal(2, monitor.Health.Errors);
        Tick();
        Assert.Equal("three", monitor.Next());
        Assert.Null(monitor.Health.StaleSince);
        Assert.Equal(1, monitor.Health.SamplesTaken);
    }

    [Fact]
    public void A_listener_that_throws_ends_neither_the_process_nor_the_sampling()
    {
        var source = new ScriptedSource(() => "one", () => "two");
        using var monitor = new ScriptedMonitor(source, Options);
        monitor.Published += _ => throw new InvalidOperationException("listener");
        monitor.Start();
        Assert.Equal("one", monitor.Next());
        Tick();
        Assert.Equal("two", monitor.Next());
        Until(() => monitor.Health.Errors == 2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void An_interval_a_timeout_or_a_window_of_zero_or_less_is_refused(int value)
    {
        Assert.Equal("IntervalOutOfRange", Refused(Options with { Interval = value * Second }));
        Assert.Equal("TimeoutOutOfRange", Refused(Options with { Timeout = value * Second }));
        Assert.Equal("WindowSizeOutOfRange", Refused(Options with { WindowSize = value }));
    }

    private static string Refused(MonitorOptions options) =>
        Assert.Throws<MonitorException>(() => new ScriptedMonitor(new ScriptedSource(() => "one"), options)).ErrorId;

    private static void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)));

    private void Tick()
    {
        // The thread sets its timer after it has published.
        Until(() => clock.HasTimerDueWithin(Second));
        clock.Advance(Second);
    }
}
