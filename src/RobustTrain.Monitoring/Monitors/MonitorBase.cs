using System.Diagnostics.CodeAnalysis;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>
/// One source sampled on one dedicated thread: sample, publish, wait for the next tick or for the stop. A sample that does not return
/// within the timeout is abandoned: a timer, not the stuck thread, marks the last values stale and goes on to say so at each tick, and
/// sampling resumes when the call comes back. No second thread is ever started beside a stuck one, so a source that hangs for
/// good costs one thread in all.
/// </summary>
/// <typeparam name="T">A sample; immutable once published.</typeparam>
public abstract class MonitorBase<T> : IMonitor
    where T : class
{
    /// <summary>How long <see cref="Stop(TimeSpan)"/> waits by default for a call that has not returned.</summary>
    public static readonly TimeSpan StopBound = TimeSpan.FromMilliseconds(500);

    // A call known to hang is given only the time that an interrupted one needs to unwind.
    private static readonly TimeSpan AbandonedStopBound = TimeSpan.FromMilliseconds(50);

    private readonly ISampleSource<T> source;
    private readonly SourceCalls<T> calls;
    private readonly MonitorOptions options;
    private readonly TimeProvider clock;
    private readonly ExpensiveCadence cadence;
    private readonly Thread thread;
    private readonly TickWait ticks;
    private readonly Lock publishing = new();
    private readonly Lock gate = new();
    private readonly MonitorHealth health;

    private ITimer? overdueTimer;
    private volatile bool stopping;
    private volatile T? latest;
    private bool started;
    private bool inCall;
    private bool callAbandoned;
    private long callStarted;
    private DateTimeOffset startTime;

    /// <summary>Makes a monitor; it samples nothing until it is started.</summary>
    /// <param name="computerName">The host that it watches.</param>
    /// <param name="source">Where samples come from; the monitor disposes it.</param>
    /// <param name="options">How to sample.</param>
    /// <exception cref="MonitorException">An option is out of range.</exception>
    protected MonitorBase(string computerName, ISampleSource<T> source, MonitorOptions options)
    {
        options.Validate();
        ComputerName = computerName;
        this.source = source;
        this.options = options;
        clock = options.TimeProvider;
        calls = new SourceCalls<T>(source, clock);
        health = new MonitorHealth { ComputerName = computerName, Source = source.Name };
        ticks = new TickWait(clock, options.Interval);
        cadence = new ExpensiveCadence(options.Interval, options.ExpensiveShare);
        thread = new Thread(Run, maxStackSize: 512 * 1024) { IsBackground = true, Name = $"RobustTrain {source.Name}" };
    }

    /// <summary>Raised with each sample and each staleness, in order, on a thread of the monitor; never after <see cref="Stop(TimeSpan)"/> has returned true.</summary>
    public event Action<T>? Published;

    /// <summary>The host that it watches.</summary>
    public string ComputerName { get; }

    /// <summary>The last sample published, which may be marked stale; null before the first.</summary>
    public T? Latest => latest;

    /// <inheritdoc/>
    public MonitorHealth Health
    {
        get
        {
            lock (gate)
                return health with { Source = source.Name };
        }
    }

    /// <inheritdoc/>
    public void Start()
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(stopping, this);
            if (started)
                return;
            started = true;
            startTime = clock.GetUtcNow();
            thread.Start();
        }
    }

    /// <inheritdoc/>
    public void BeginStop()
    {
        bool interrupt;
        lock (gate)
        {
            if (stopping)
                return;
            stopping = true;
            interrupt = inCall;
            if (!started)
            {
                health.State = MonitorState.Stopped;
                source.Dispose();
                ticks.Dispose();
                return;
            }

            ticks.Wake();
        }

        if (interrupt)
            source.Interrupt();
    }

    /// <inheritdoc/>
    public bool Stop(TimeSpan bound)
    {
        BeginStop();
        bool hangs;
        lock (gate)
        {
            if (!started || Thread.CurrentThread == thread)
                return true;
            hangs = inCall && callAbandoned;
        }

        bool ended = thread.Join(hangs && bound > AbandonedStopBound ? AbandonedStopBound : bound);
        lock (gate)
        {
            if (ended)
                health.State = MonitorState.Stopped;
            else
                health.LeftBehind(isCounted: callAbandoned);
        }

        return ended;
    }

    /// <summary>Stops it within <see cref="StopBound"/>.</summary>
    public void Dispose()
    {
        Stop(StopBound);
        GC.SuppressFinalize(this);
    }

    /// <summary>Adds to a fresh sample what the monitor knows: the window's figures and the cost. Called in order, on the monitor's thread.</summary>
    protected abstract T Complete(T sample, SampleCost cost);

    /// <summary>The last values, marked stale.</summary>
    /// <param name="last">The last sample, stale or not; null where there was none.</param>
    /// <param name="now">The time of this mark, UTC.</param>
    /// <param name="since">Since when the values are stale, UTC.</param>
    /// <param name="reason">Why, as one sentence.</param>
    protected abstract T MarkStale(T? last, DateTimeOffset now, DateTimeOffset since, string reason);

    private void Run()
    {
        using ITimer watchdog = clock.CreateTimer(_ => Watch(), null, options.Timeout, options.Timeout);
        lock (gate)
            overdueTimer = watchdog;

        ticks.Begin();
        while (!stopping)
        {
            SampleOnce();
            ticks.WaitForNext();
        }

        string? error = calls.Close();
        lock (gate)
        {
            health.State = MonitorState.Stopped;
            if (error is not null)
                health.LastError = error;
        }

        ticks.Dispose();
    }

    private void SampleOnce()
    {
        SampleDetail detail = cadence.Next();
        lock (gate)
        {
            if (stopping)
                return;
            inCall = true;
            callAbandoned = false;
            callStarted = clock.GetTimestamp();
        }

        (T? sample, string? error, SampleCost cost) = calls.Sample(detail);
        Settle(detail, sample, error, cost);
    }

    private void Settle(SampleDetail detail, T? sample, string? error, SampleCost cost)
    {
        lock (publishing)
        {
            DateTimeOffset now = clock.GetUtcNow();
            T result;
            lock (gate)
            {
                inCall = false;
                if (callAbandoned)
                    overdueTimer?.Change(options.Timeout, options.Timeout);
                health.CpuTime += cost.Cpu;
                health.LastCost = cost;
                if (stopping || callAbandoned)
                {
                    // Its tick has been answered as stale already; a value from then is not one from now.
                    return;
                }

                if (sample is null)
                {
                    health.Errors++;
                    result = Stale(now, error!);
                }
                else
                {
                    cadence.Measured(detail, cost.Elapsed);
                    health.Took(now);
                    result = Complete(sample, cost);
                }
            }

            Emit(result);
        }
    }

    // Runs once in a timeout, not once in a sample, which would cost more than the sample; a call on its way is looked at again when its timeout is over.
    private void Watch()
    {
        bool first;
        lock (publishing)
        {
            T result;
            lock (gate)
            {
                if (stopping || !inCall)
                    return;
                TimeSpan left = options.Timeout - clock.GetElapsedTime(callStarted);
                if (left > TimeSpan.Zero)
                {
                    overdueTimer?.Change(left, options.Timeout);
                    return;
                }

                first = !callAbandoned;
                callAbandoned = true;
                if (first)
                {
                    overdueTimer?.Change(options.Interval, options.Interval);
                    health.SamplesAbandoned++;
                }
                else
                {
                    health.SamplesMissed++;
                }

                result = Stale(clock.GetUtcNow(), FormattableString.Invariant($"{source.Name} has not answered within {options.Timeout.TotalSeconds:0.###} s."));
            }

            Emit(result);
        }

        if (first)
            source.Interrupt();
    }

    private T Stale(DateTimeOffset now, string reason) => MarkStale(latest, now, health.Stale(now, startTime, reason), reason);

    [SuppressMessage("Design", "CA1031", Justification = "A listener's failure must neither end the shell nor the sampling; it is counted and kept.")]
    private void Emit(T result)
    {
        latest = result;
        if (stopping)
            return;
        try
        {
            Published?.Invoke(result);
        }
        catch (Exception failure)
        {
            lock (gate)
                health.ListenerFailed(clock.GetUtcNow(), $"A listener failed with {failure.GetType().Name}: {failure.Message}");
        }
    }
}

/// <summary>A running monitor, whatever it watches.</summary>
public interface IMonitor : IDisposable
{
    /// <summary>How it is doing.</summary>
    MonitorHealth Health { get; }

    /// <summary>Begins to sample.</summary>
    void Start();

    /// <summary>Asks it to stop, at once and without waiting, so that many can stop side by side.</summary>
    void BeginStop();

    /// <summary>Stops it and waits until nothing of it runs, but no longer than the bound.</summary>
    /// <param name="bound">The longest wait for a call that has not returned.</param>
    /// <returns>Whether nothing of it runs; false where a call into the source has still not returned and was left behind.</returns>
    bool Stop(TimeSpan bound);
}

/// <summary>Says which samples read the expensive values, so that these take no more than their share of the time, by what they were measured to cost.</summary>
/// <param name="interval">The time between samples.</param>
/// <param name="share">The share of the time that expensive values may take, 0 to 1.</param>
public sealed class ExpensiveCadence(TimeSpan interval, double share)
{
    /// <summary>Expensive values are never older than this.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    private double cheap = double.NaN;
    private double expensive = double.NaN;
    private long remaining;

    /// <summary>How many samples lie between two full ones, at the costs measured so far.</summary>
    public long Period
    {
        get
        {
            long longest = Math.Max(1, (long)(Longest / interval));
            if (double.IsNaN(expensive))
                return 1;
            double extra = Math.Max(0, expensive - (double.IsNaN(cheap) ? 0 : cheap));
            return Math.Clamp((long)Math.Ceiling(extra / (share * interval.TotalMilliseconds)), 1, longest);
        }
    }

    /// <summary>What the next sample is to read. The first is full.</summary>
    public SampleDetail Next()
    {
        if (remaining > 0)
        {
            remaining--;
            return SampleDetail.Cheap;
        }

        // Until it is measured, a full sample is followed by a cheap one, so that both costs are known.
        remaining = double.IsNaN(expensive) ? 1 : Period - 1;
        return SampleDetail.Full;
    }

    /// <summary>Takes note of what a sample took.</summary>
    public void Measured(SampleDetail detail, TimeSpan elapsed)
    {
        ref double known = ref detail == SampleDetail.Full ? ref expensive : ref cheap;

        // The least, slowly forgotten: a sample that was interrupted by other work on a busy machine, or that also opened the source,
        // says nothing of what the next one costs.
        known = double.IsNaN(known) ? elapsed.TotalMilliseconds : Math.Min(elapsed.TotalMilliseconds, known * 1.05);
    }
}

/// <summary>Calls a source on its monitor's thread: whatever goes wrong in it becomes data, for thrown there it would end the operator's shell.</summary>
internal sealed class SourceCalls<T>(ISampleSource<T> source, TimeProvider clock)
    where T : class
{
    /// <summary>Takes a sample.</summary>
    /// <returns>The sample, or why there is none, and what the call cost.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Kept as the sample's error.")]
    public (T? Sample, string? Error, SampleCost Cost) Sample(SampleDetail detail)
    {
        long begin = clock.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan cpu = ThreadCpuClock.Now;
        T? sample = null;
        string? error = null;
        try
        {
            sample = source.Sample(detail);
        }
        catch (MonitorException failure)
        {
            error = failure.Message;
        }
        catch (Exception failure)
        {
            error = $"{source.Name} failed with {failure.GetType().Name}: {failure.Message}";
        }

        return (sample, error, new SampleCost(
            clock.GetElapsedTime(begin),
            ThreadCpuClock.Now - cpu,
            GC.GetAllocatedBytesForCurrentThread() - allocated));
    }

    /// <summary>Lets go of the source.</summary>
    /// <returns>What went wrong; null where nothing did.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Kept as the monitor's last error.")]
    public string? Close()
    {
        try
        {
            source.Dispose();
            return null;
        }
        catch (Exception failure)
        {
            return $"{source.Name} could not be closed: {failure.Message}";
        }
    }
}

/// <summary>Waits from tick to tick on a fixed grid, until it is woken for good.</summary>
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
