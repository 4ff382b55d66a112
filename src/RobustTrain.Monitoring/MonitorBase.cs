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
    private readonly MonitorOptions options;
    private readonly TimeProvider clock;
    private readonly Statistics.ExpensiveCadence cadence;
    private readonly Thread thread;
    private readonly AutoResetEvent wake = new(false);
    private readonly Lock publishing = new();
    private readonly Lock gate = new();

    private ITimer? overdueTimer;
    private volatile bool stopping;
    private volatile T? latest;
    private bool started;
    private bool inCall;
    private bool callAbandoned;
    private long callStarted;
    private DateTimeOffset startTime;
    private MonitorState state = MonitorState.Created;
    private long taken, missed, abandoned, errors;
    private string? lastError;
    private DateTimeOffset? lastErrorTime, lastSampleTime, staleSince;
    private TimeSpan cpuTime;
    private SampleCost lastCost;

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
            {
                return new MonitorHealth
                {
                    ComputerName = ComputerName,
                    Source = source.Name,
                    State = state,
                    SamplesTaken = taken,
                    SamplesMissed = missed,
                    SamplesAbandoned = abandoned,
                    Errors = errors,
                    LastError = lastError,
                    LastErrorTime = lastErrorTime,
                    LastSampleTime = lastSampleTime,
                    StaleSince = staleSince,
                    CpuTime = cpuTime,
                    LastCost = lastCost,
                };
            }
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
                state = MonitorState.Stopped;
                source.Dispose();
                wake.Dispose();
                return;
            }

            wake.Set();
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
            {
                state = MonitorState.Stopped;
            }
            else if (state != MonitorState.StoppedWithCallAbandoned)
            {
                state = MonitorState.StoppedWithCallAbandoned;
                if (!callAbandoned)
                    abandoned++;
            }
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
        // A tick of the system's clock is waited for here: a timer would wake two more threads for each.
        using ITimer? tick = ReferenceEquals(clock, TimeProvider.System) ? null : clock.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using ITimer watchdog = clock.CreateTimer(_ => Watch(), null, options.Timeout, options.Timeout);
        lock (gate)
            overdueTimer = watchdog;

        long begin = clock.GetTimestamp();
        long ticks = 0;
        while (!stopping)
        {
            SampleOnce();

            // Ticks lie on a fixed grid; those that passed during a long sample are left out, not made up for.
            long due = Math.Max(ticks + 1, (long)Math.Ceiling(clock.GetElapsedTime(begin) / options.Interval));
            ticks = due;
            TimeSpan wait = (due * options.Interval) - clock.GetElapsedTime(begin);
            wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
            tick?.Change(wait, Timeout.InfiniteTimeSpan);
            wake.WaitOne(tick is null ? wait : Timeout.InfiniteTimeSpan);
        }

        Close();
    }

    [SuppressMessage("Design", "CA1031", Justification = "Thrown on this thread it would end the operator's shell; it is kept as the last error.")]
    private void Close()
    {
        string? error = null;
        try
        {
            source.Dispose();
        }
        catch (Exception failure)
        {
            error = $"{source.Name} could not be closed: {failure.Message}";
        }

        lock (gate)
        {
            state = MonitorState.Stopped;
            lastError = error ?? lastError;
            wake.Dispose();
        }
    }

    private void Wake()
    {
        lock (gate)
        {
            if (!stopping)
                wake.Set();
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong in a source becomes data; thrown on this thread it would end the operator's shell.")]
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

        var cost = new SampleCost(
            clock.GetElapsedTime(callStarted),
            ThreadCpuClock.Now - cpu,
            GC.GetAllocatedBytesForCurrentThread() - allocated);
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

                cpuTime += cost.Cpu;
                lastCost = cost;
                if (stopping || callAbandoned)
                {
                    // Its tick has been answered as stale already; a value from then is not one from now.
                    return;
                }

                if (sample is null)
                {
                    errors++;
                    result = Stale(now, error!);
                }
                else
                {
                    cadence.Measured(detail, cost.Elapsed);
                    taken++;
                    lastSampleTime = now;
                    staleSince = null;
                    state = MonitorState.Connected;
                    result = Complete(sample, cost);
                }
            }

            Emit(result);
        }
    }

    // Runs once in a timeout, not once in a sample: arming it for each would cost more than the sample. A call that is on its way is
    // looked at again at the moment when its own timeout is over.
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
                if (first)
                    overdueTimer?.Change(options.Interval, options.Interval);

                callAbandoned = true;
                if (first)
                    abandoned++;
                else
                    missed++;

                result = Stale(clock.GetUtcNow(), FormattableString.Invariant($"{source.Name} has not answered within {options.Timeout.TotalSeconds:0.###} s."));
            }

            Emit(result);
        }

        if (first)
            source.Interrupt();
    }

    private T Stale(DateTimeOffset now, string reason)
    {
        staleSince ??= lastSampleTime ?? startTime;
        lastError = reason;
        lastErrorTime = now;
        state = MonitorState.Stale;
        return MarkStale(latest, now, staleSince.Value, reason);
    }

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
            {
                errors++;
                lastError = $"A listener failed with {failure.GetType().Name}: {failure.Message}";
                lastErrorTime = clock.GetUtcNow();
            }
        }
    }
}
