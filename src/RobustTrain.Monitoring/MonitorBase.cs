using System.Diagnostics.CodeAnalysis;

namespace RobustTrain.Monitoring;

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
    private readonly Statistics.ExpensiveCadence cadence;
    private readonly Thread thread;
    private readonly TickWait ticks;
    private readonly Lock publishing = new();
    private readonly Lock gate = new();
    private readonly HealthLedger health = new();

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
        ticks = new TickWait(clock, options.Interval);
        cadence = new Statistics.ExpensiveCadence(options.Interval, options.ExpensiveShare);
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
                return health.ToHealth(ComputerName, source.Name);
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
        using ITimer watchdog = (options.Timers ?? clock).CreateTimer(_ => Watch(), null, options.Timeout, options.Timeout);
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
                health.CloseFailed(error);
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

                health.Returned(cost);
                if (stopping || callAbandoned)
                {
                    // Its tick has been answered as stale already; a value from then is not one from now.
                    return;
                }

                if (sample is null)
                {
                    health.Failed();
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
                    health.Abandoned();
                }
                else
                {
                    health.Missed();
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
