namespace RobustTrain.Training.Steps;

/// <summary>Says so where something takes longer than it may. Native code can't be interrupted, so it can do no more than that.</summary>
internal sealed class StepWatchdog : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly ITimer? _timer;

    /// <summary>A watchdog.</summary>
    /// <param name="timeout">The time that is allowed; null for any.</param>
    /// <param name="onTimeout">Is called, on another thread, where it is over.</param>
    /// <param name="time">The clock.</param>
    public StepWatchdog(TimeSpan? timeout, Action onTimeout, TimeProvider time)
    {
        _timeout = timeout ?? Timeout.InfiniteTimeSpan;
        _timer = timeout is null ? null : time.CreateTimer(_ => onTimeout(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The time runs from now on.</summary>
    public void Begin() => _timer?.Change(_timeout, Timeout.InfiniteTimeSpan);

    /// <summary>It ended in time.</summary>
    public void End() => _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();
}
