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
    // A call known to hang is given only the time that an interrupted one needs to unwind.
    private static readonly TimeSpan AbandonedStopBound = TimeSpan.FromMilliseconds(50);

    private readonly ISampleSource<T> _source;
    private readonly SourceCalls<T> _calls;
    private readonly MonitorOptions _options;
    private readonly TimeProvider _clock;
    private readonly ExpensiveCadence _cadence;
    private readonly Thread _thread;
    private readonly TickWait _ticks;
    private readonly Lock _publishing = new();
    private readonly Lock _gate = new();
    private readonly MonitorHealth _health;

    private ITimer? _overdueTimer;
    private volatile bool _stopping;
    private volatile T? _latest;
    private bool _started;
    private bool _inCall;
    private bool _callAbandoned;
    private long _callStarted;
    private DateTimeOffset _startTime;

    /// <summary>Makes a monitor; it samples nothing until it is started.</summary>
    /// <param name="computerName">The host that it watches.</param>
    /// <param name="source">Where samples come from; the monitor disposes it.</param>
    /// <param name="options">How to sample.</param>
    /// <exception cref="MonitorException">An option is out of range.</exception>
    protected MonitorBase(string computerName, ISampleSource<T> source, MonitorOptions options)
    {
        options.Validate();
        ComputerName = computerName;
        _source = source;
        _options = options;
        _clock = options.TimeProvider;
        _calls = new SourceCalls<T>(source, _clock);
        _health = new MonitorHealth { ComputerName = computerName, Source = source.Name };
        _ticks = new TickWait(_clock, options.Interval);
        _cadence = new ExpensiveCadence(options.Interval, options.ExpensiveShare);
        _thread = new Thread(Run, maxStackSize: 512 * 1024) { IsBackground = true, Name = $"RobustTrain {source.Name}" };
    }

    /// <summary>Raised with each sample and each staleness, in order, on a thread of the monitor; never after <see cref="Stop(TimeSpan)"/> has returned true.</summary>
    public event Action<T>? Published;

    /// <summary>The host that it watches.</summary>
    public string ComputerName { get; }

    /// <summary>The last sample published, which may be marked stale; null before the first.</summary>
    public T? Latest => _latest;

    /// <inheritdoc/>
    public MonitorHealth Health
    {
        get
        {
            lock (_gate)
                return _health with { Source = _source.Name };
        }
    }

    /// <inheritdoc/>
    public void Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            if (_started)
                return;
            _started = true;
            _startTime = _clock.GetUtcNow();
            _thread.Start();
        }
    }

    /// <inheritdoc/>
    public void BeginStop()
    {
        bool interrupt;
        lock (_gate)
        {
            if (_stopping)
                return;
            _stopping = true;
            interrupt = _inCall;
            if (!_started)
            {
                _health.State = MonitorState.Stopped;
                _source.Dispose();
                _ticks.Dispose();
                return;
            }

            _ticks.Wake();
        }

        if (interrupt)
            _source.Interrupt();
    }

    /// <inheritdoc/>
    public bool Stop(TimeSpan bound)
    {
        BeginStop();
        bool hangs;
        lock (_gate)
        {
            if (!_started || Thread.CurrentThread == _thread)
                return true;
            hangs = _inCall && _callAbandoned;
        }

        bool ended = _thread.Join(hangs && bound > AbandonedStopBound ? AbandonedStopBound : bound);
        lock (_gate)
        {
            if (ended)
                _health.State = MonitorState.Stopped;
            else
                _health.LeftBehind(isCounted: _callAbandoned);
        }

        return ended;
    }

    /// <summary>Stops it within <see cref="IMonitor.StopBound"/>.</summary>
    public void Dispose()
    {
        Stop(IMonitor.StopBound);
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
        using ITimer watchdog = _clock.CreateTimer(_ => Watch(), null, _options.Timeout, _options.Timeout);
        lock (_gate)
            _overdueTimer = watchdog;

        _ticks.Begin();
        while (!_stopping)
        {
            SampleOnce();
            _ticks.WaitForNext();
        }

        string? error = _calls.Close();
        lock (_gate)
        {
            _health.State = MonitorState.Stopped;
            if (error is not null)
                _health.LastError = error;
        }

        _ticks.Dispose();
    }

    private void SampleOnce()
    {
        SampleDetail detail = _cadence.Next();
        lock (_gate)
        {
            if (_stopping)
                return;
            _inCall = true;
            _callAbandoned = false;
            _callStarted = _clock.GetTimestamp();
        }

        (T? sample, string? error, SampleCost cost) = _calls.Sample(detail);
        Settle(detail, sample, error, cost);
    }

    private void Settle(SampleDetail detail, T? sample, string? error, SampleCost cost)
    {
        lock (_publishing)
        {
            DateTimeOffset now = _clock.GetUtcNow();
            T result;
            lock (_gate)
            {
                _inCall = false;
                if (_callAbandoned)
                    _overdueTimer?.Change(_options.Timeout, _options.Timeout);
                _health.CpuTime += cost.Cpu;
                _health.LastCost = cost;
                if (_stopping || _callAbandoned)
                {
                    // Its tick has been answered as stale already; a value from then is not one from now.
                    return;
                }

                if (sample is null)
                {
                    _health.Errors++;
                    result = Stale(now, error!);
                }
                else
                {
                    _cadence.Measured(detail, cost.Elapsed);
                    _health.Took(now);
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
        lock (_publishing)
        {
            T result;
            lock (_gate)
            {
                if (_stopping || !_inCall)
                    return;
                TimeSpan left = _options.Timeout - _clock.GetElapsedTime(_callStarted);
                if (left > TimeSpan.Zero)
                {
                    _overdueTimer?.Change(left, _options.Timeout);
                    return;
                }

                first = !_callAbandoned;
                _callAbandoned = true;
                if (first)
                {
                    _overdueTimer?.Change(_options.Interval, _options.Interval);
                    _health.SamplesAbandoned++;
                }
                else
                {
                    _health.SamplesMissed++;
                }

                result = Stale(_clock.GetUtcNow(), FormattableString.Invariant($"{_source.Name} has not answered within {_options.Timeout.TotalSeconds:0.###} s."));
            }

            Emit(result);
        }

        if (first)
            _source.Interrupt();
    }

    private T Stale(DateTimeOffset now, string reason) => MarkStale(_latest, now, _health.Stale(now, _startTime, reason), reason);

    [SuppressMessage("Design", "CA1031", Justification = "A listener's failure must neither end the shell nor the sampling; it is counted and kept.")]
    private void Emit(T result)
    {
        _latest = result;
        if (_stopping)
            return;
        try
        {
            Published?.Invoke(result);
        }
        catch (Exception failure)
        {
            lock (_gate)
                _health.ListenerFailed(_clock.GetUtcNow(), $"A listener failed with {failure.GetType().Name}: {failure.Message}");
        }
    }
}

/// <summary>A running monitor, whatever it watches.</summary>
public interface IMonitor : IDisposable
{
    /// <summary>How long <see cref="Stop(TimeSpan)"/> waits by default for a call that has not returned.</summary>
    public static readonly TimeSpan StopBound = TimeSpan.FromMilliseconds(500);

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

    private double _cheap = double.NaN;
    private double _expensive = double.NaN;
    private long _remaining;

    /// <summary>How many samples lie between two full ones, at the costs measured so far.</summary>
    public long Period
    {
        get
        {
            long longest = Math.Max(1, (long)(Longest / interval));
            if (double.IsNaN(_expensive))
                return 1;
            double extra = Math.Max(0, _expensive - (double.IsNaN(_cheap) ? 0 : _cheap));
            return Math.Clamp((long)Math.Ceiling(extra / (share * interval.TotalMilliseconds)), 1, longest);
        }
    }

    /// <summary>What the next sample is to read. The first is full.</summary>
    public SampleDetail Next()
    {
        if (_remaining > 0)
        {
            _remaining--;
            return SampleDetail.Cheap;
        }

        // Until it is measured, a full sample is followed by a cheap one, so that both costs are known.
        _remaining = double.IsNaN(_expensive) ? 1 : Period - 1;
        return SampleDetail.Full;
    }

    /// <summary>Takes note of what a sample took.</summary>
    public void Measured(SampleDetail detail, TimeSpan elapsed)
    {
        ref double known = ref detail == SampleDetail.Full ? ref _expensive : ref _cheap;

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
    private readonly double _frequency = clock.TimestampFrequency;
    private readonly double _step = interval.TotalSeconds * clock.TimestampFrequency;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Lock _gate = new();
    private ITimer? _timer;
    private bool _disposed;
    private long _begin;
    private long _ticks;

    /// <summary>Begins the grid now.</summary>
    public void Begin()
    {
        // A tick of the system's clock is waited for by the thread itself: a timer would wake two more threads for each.
        if (!ReferenceEquals(clock, TimeProvider.System))
            _timer = clock.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _begin = clock.GetTimestamp();
    }

    /// <summary>Waits for the next tick, or until it is woken. Ticks that have passed meanwhile are left out, not made up for.</summary>
    public void WaitForNext()
    {
        double passed = clock.GetTimestamp() - _begin;
        _ticks = Math.Max(_ticks + 1, (long)Math.Ceiling(passed / _step));
        double seconds = Math.Max(0, ((_ticks * _step) - passed) / _frequency);
        if (_timer is null)
        {
            _wake.WaitOne((int)Math.Ceiling(seconds * 1000));
            return;
        }

        _timer.Change(TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
        _wake.WaitOne();
    }

    /// <summary>Ends the wait, or the next one. Safe at any time.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_disposed)
                _wake.Set();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
            _wake.Dispose();
        }
    }
}
