namespace RobustTrain.Training.Steps;

/// <summary>Says so where something takes longer than it may. Native code can't be interrupted, so it can do no more than that.</summary>
/// <remarks>
/// It counts slices of the time in which it was itself awake: where the whole process was stopped (SIGSTOP, a suspended machine), the slice
/// that was cut through by that is not counted, since nothing could get on in it.
/// </remarks>
internal sealed class StepWatchdog : IDisposable
{
    private const int Slices = 8;

    // By which a busy machine may call a timer; a stop that is no longer costs a slice at most.
    private static readonly TimeSpan s_lateness = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _slice;
    private readonly Action _onTimeout;
    private readonly TimeProvider _time;
    private readonly ITimer? _timer;
    private readonly Lock _gate = new();
    private int _slicesLeft;
    private long _sliceBegan;

    /// <summary>A watchdog.</summary>
    /// <param name="timeout">The time that is allowed; null for any.</param>
    /// <param name="onTimeout">Is called, on another thread, where it is over.</param>
    /// <param name="time">The clock.</param>
    public StepWatchdog(TimeSpan? timeout, Action onTimeout, TimeProvider time)
    {
        _onTimeout = onTimeout;
        _time = time;
        if (timeout is not { } allowed)
            return;
        _slice = allowed / Slices;
        _timer = time.CreateTimer(_ => CountSlice(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The time runs from now on.</summary>
    public void Begin()
    {
        if (_timer is null)
            return;
        lock (_gate)
        {
            _slicesLeft = Slices;
            BeginSlice(_timer);
        }
    }

    /// <summary>It ended in time.</summary>
    public void End()
    {
        if (_timer is null)
            return;
        lock (_gate)
        {
            _slicesLeft = 0;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void BeginSlice(ITimer timer)
    {
        _sliceBegan = _time.GetTimestamp();
        timer.Change(_slice, Timeout.InfiniteTimeSpan);
    }

    private void CountSlice()
    {
        lock (_gate)
        {
            TimeSpan taken = _time.GetElapsedTime(_sliceBegan);

            // Ended, or begun anew, while this call was under way.
            if (_slicesLeft == 0 || taken < _slice / 2)
                return;
            bool wasAwake = taken < _slice + s_lateness;
            if (!wasAwake || --_slicesLeft > 0)
            {
                BeginSlice(_timer!);
                return;
            }
        }

        _onTimeout();
    }
}
