using RobustTrain.Training.Steps;

namespace RobustTrain.Tests.Training;

public sealed class StepWatchdogTests
{
    private readonly ManualTime _time = new();
    private int _fired;

    [Fact]
    public void It_says_so_once_when_the_time_is_over()
    {
        using StepWatchdog watchdog = Watchdog();
        watchdog.Begin();
        Pass(79);
        Assert.Equal(0, _fired);
        Pass(1);
        Assert.Equal(1, _fired);
        Pass(200);
        Assert.Equal(1, _fired);
    }

    [Fact]
    public void It_says_nothing_of_what_ended_in_time()
    {
        using StepWatchdog watchdog = Watchdog();
        for (int step = 0; step < 3; step++)
        {
            watchdog.Begin();
            Pass(60);
            watchdog.End();
            Pass(60);
        }

        Assert.Equal(0, _fired);
    }

    [Fact]
    public void A_time_in_which_the_whole_process_was_stopped_does_not_count()
    {
        using StepWatchdog watchdog = Watchdog();
        watchdog.Begin();
        Pass(40);
        _time.Skip(TimeSpan.FromHours(8));
        Pass(39);
        Assert.Equal(0, _fired);
        Pass(1);
        Assert.Equal(1, _fired);
    }

    private StepWatchdog Watchdog() => new(TimeSpan.FromSeconds(80), () => _fired++, _time);

    private void Pass(int seconds)
    {
        for (int second = 0; second < seconds; second++)
            _time.Advance(TimeSpan.FromSeconds(1));
    }
}
