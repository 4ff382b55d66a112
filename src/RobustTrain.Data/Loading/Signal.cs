namespace RobustTrain.Data.Loading;

/// <summary>A counter that can be waited on: whoever reads it, finds nothing to do and waits with what it read misses no raise in between.</summary>
internal abstract class Signal
{
    public abstract int Value { get; }

    /// <summary>Counts on, and wakes as many of those who wait.</summary>
    public abstract void Raise(int wanted = int.MaxValue);

    /// <summary>Waits while the counter is <paramref name="seen"/>, at most for a time.</summary>
    public abstract void Wait(int seen, int milliseconds);
}
