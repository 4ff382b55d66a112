namespace RobustTrain.Monitoring;

/// <summary>
/// Timers of which all fire on one thread. A timer of the system wakes three threads of the pool each time, which costs a monitor more than its
/// samples do; this thread sleeps until the next is due. What fires must not take long, for the others wait.
/// </summary>
internal sealed class TimerThread : TimeProvider, IDisposable
{
    private static readonly TimeSpan EndBound = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly List<Entry> timers = [];
    private readonly AutoResetEvent wake = new(false);
    private Thread? thread;
    private bool ended;

    /// <summary>Makes a timer; one that never fires where the thread has ended already.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Entry(this, callback, state);
        lock (gate)
        {
            if (ended)
                return timer;

            timers.Add(timer);
            if (thread is null)
            {
                thread = new Thread(Run, maxStackSize: 512 * 1024) { IsBackground = true, Name = "RobustTrain timers" };
                thread.Start();
            }
        }

        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Ends the thread; waits a fraction of a second at most.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (ended)
                return;

            ended = true;
            if (thread is null)
            {
                wake.Dispose();
                return;
            }

            wake.Set();
        }

        if (Thread.CurrentThread != thread)
            thread.Join(EndBound);
    }

    private void Run()
    {
        while (true)
        {
            Entry? due;
            TimeSpan wait;
            lock (gate)
            {
                if (ended)
                {
                    wake.Dispose();
                    return;
                }

                due = NextDue(out wait);
            }

            if (due is null)
                wake.WaitOne(wait);
            else
                due.Fire();
        }
    }

    private Entry? NextDue(out TimeSpan wait)
    {
        Entry? next = null;
        foreach (Entry timer in timers)
        {
            if (timer.Due is not null && (next is null || timer.Due < next.Due))
                next = timer;
        }

        wait = Timeout.InfiniteTimeSpan;
        if (next is null)
            return null;

        TimeSpan left = GetElapsedTime(GetTimestamp(), next.Due!.Value);
        if (left > TimeSpan.Zero)
        {
            // Rounded up: woken a fraction of a millisecond early it would only go back to sleep.
            wait = TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
            return null;
        }

        next.Step();
        return next;
    }

    private sealed class Entry(TimerThread owner, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan period;

        /// <summary>The timestamp at which it fires next; null for never.</summary>
        public long? Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (owner.gate)
            {
                if (owner.ended)
                    return false;

                Due = dueTime == Timeout.InfiniteTimeSpan ? null : After(dueTime);
                period = newPeriod;
                owner.wake.Set();
                return true;
            }
        }

        public void Step() => Due = period <= TimeSpan.Zero ? null : After(period);

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (owner.gate)
            {
                Due = null;
                owner.timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private long After(TimeSpan time) => owner.GetTimestamp() + (long)(time.TotalSeconds * owner.TimestampFrequency);
    }
}
