namespace RobustTrain.Monitoring;

/// <summary>Waits from tick to tick on a fixed grid, until it is woken for good.</summary>
/// <param name="clock">The clock.</param>
/// <param name="interval">The time between ticks.</param>
/// <remarks>Reckons in the clock's own units: arithmetic with spans of time would be most of what a tick calls.</remarks>
internal sealed class TickWait(TimeProvider clock, TimeSpan interval) : IDisposable
{
    private readonly double frequency = clock.TimestampFrequency;
    private readonly double step = interval.TotalSeconds * clock.TimestampFrequency;
    private readonly AutoResetEvent wake = new(false);
    private readonly Lock gate = new();
    private ITimer? timer;
    private bool disposed;
    private long begin;
    private long ticks;

    /// <summary>Begins the grid now.</summary>
    public void Begin()
    {
        // A tick of the system's clock is waited for by the thread itself: a timer would wake two more threads for each.
        if (!ReferenceEquals(clock, TimeProvider.System))
            timer = clock.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        begin = clock.GetTimestamp();
    }

    /// <summary>Waits for the next tick, or until it is woken. Ticks that have passed meanwhile are left out, not made up for.</summary>
    public void WaitForNext()
    {
        double passed = clock.GetTimestamp() - begin;
        ticks = Math.Max(ticks + 1, (long)Math.Ceiling(passed / step));
        double seconds = Math.Max(0, ((ticks * step) - passed) / frequency);
        if (timer is null)
        {
            wake.WaitOne((int)Math.Ceiling(seconds * 1000));
            return;
        }

        timer.Change(TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
        wake.WaitOne();
    }

    /// <summary>Ends the wait, or the next one. Safe at any time.</summary>
    public void Wake()
    {
        lock (gate)
        {
            if (!disposed)
                wake.Set();
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            timer?.Dispose();
            wake.Dispose();
        }
    }
}
