namespace RobustTrain.Training.Evaluation;

/// <summary>Lets something through at most once an interval.</summary>
/// <param name="interval">The shortest time between two.</param>
/// <param name="time">The clock.</param>
internal sealed class Throttle(TimeSpan interval, TimeProvider time)
{
    private long _last = time.GetTimestamp();

    /// <summary>Whether the interval has passed since this last said so, or since the beginning.</summary>
    public bool IsDue()
    {
        long now = time.GetTimestamp();
        if (time.GetElapsedTime(_last, now) < interval)
            return false;
        _last = now;
        return true;
    }
}
