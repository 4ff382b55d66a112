using System.Collections.Concurrent;
using RobustTrain.Monitoring;

namespace RobustTrain.Tests.Monitoring;

public sealed class TimerThreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Timers_fire_in_the_order_of_their_times_on_one_thread_and_repeat()
    {
        using var timers = new TimerThread();
        var fired = new BlockingCollection<(string Name, int Thread)>();
        using ITimer late = timers.CreateTimer(_ => fired.Add(("late", Environment.CurrentManagedThreadId)), null, TimeSpan.FromMilliseconds(300), Timeout.InfiniteTimeSpan);
        using ITimer early = timers.CreateTimer(_ => fired.Add(("early", Environment.CurrentManagedThreadId)), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(20));
        Assert.True(fired.TryTake(out (string Name, int Thread) first, Patience));
        Assert.Equal("early", first.Name);
        var seen = new List<(string Name, int Thread)> { first };
        while (seen.All(timer => timer.Name != "late"))
        {
            Assert.True(fired.TryTake(out (string, int) next, Patience));
            seen.Add(next);
        }

        Assert.Single(seen.Select(timer => timer.Thread).Distinct());
        Assert.True(seen.Count(timer => timer.Name == "early") > 1);
    }

    [Fact]
    public void A_timer_that_is_brought_forward_fires_and_one_that_is_let_go_does_not()
    {
        using var timers = new TimerThread();
        using var fired = new SemaphoreSlim(0);
        using ITimer never = timers.CreateTimer(_ => Assert.Fail("It was let go."), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        using ITimer forward = timers.CreateTimer(_ => fired.Release(), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        never.Dispose();
        Assert.True(forward.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        Assert.True(fired.Wait(Patience));
    }

    [Fact]
    public void After_the_end_nothing_fires_and_no_call_throws()
    {
        var timers = new TimerThread();
        using ITimer before = timers.CreateTimer(_ => Assert.Fail("It has ended."), null, TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
        timers.Dispose();
        timers.Dispose();
        Assert.False(before.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        using ITimer after = timers.CreateTimer(_ => Assert.Fail("It has ended."), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        Assert.False(after.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    [Fact]
    public void A_timer_may_end_its_own_thread()
    {
        var timers = new TimerThread();
        using var ended = new ManualResetEventSlim();
        using ITimer timer = timers.CreateTimer(
            _ =>
            {
                timers.Dispose();
                ended.Set();
            },
            null,
            TimeSpan.Zero,
            Timeout.InfiniteTimeSpan);
        Assert.True(ended.Wait(Patience));
    }
}
