using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>A counter that can be waited on. A thread reads it, looks for work, and waits with the value that it read: then it misses no raise in between.</summary>
internal abstract class Signal
{
    public abstract int Value { get; }

    /// <summary>Counts on, and wakes as many of those who wait.</summary>
    public abstract void Raise(int wanted = int.MaxValue);

    /// <summary>Waits while the counter is <paramref name="seen"/>, at most for a time.</summary>
    public abstract void Wait(int seen, int milliseconds);
}

/// <summary>A signal between threads, where there is no futex.</summary>
internal sealed class MonitorSignal : Signal
{
    private readonly object _gate = new();
    private int _value;
    private int _waiters;

    public override int Value => Volatile.Read(ref _value);

    public override void Raise(int wanted = int.MaxValue)
    {
        Interlocked.Increment(ref _value);
        if (Volatile.Read(ref _waiters) == 0)
            return;
        lock (_gate)
        {
            if (wanted >= _waiters)
            {
                Monitor.PulseAll(_gate);
                return;
            }

            for (int woken = 0; woken < wanted; woken++)
                Monitor.Pulse(_gate);
        }
    }

    public override void Wait(int seen, int milliseconds)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _waiters);
            try
            {
                if (Volatile.Read(ref _value) == seen)
                    Monitor.Wait(_gate, milliseconds);
            }
            finally
            {
                Interlocked.Decrement(ref _waiters);
            }
        }
    }
}

/// <summary>
/// A signal by Linux's futex on a word in the ring's memory, between processes or threads. It holds no lock, so that a process that is killed
/// while it waits leaves nothing behind but a waiter too many in the count, which costs a system call.
/// </summary>
internal sealed unsafe class FutexSignal(int* word, int* waiters) : Signal
{
    public override int Value => Volatile.Read(ref *word);

    public override void Raise(int wanted = int.MaxValue)
    {
        Interlocked.Increment(ref *word);
        if (Volatile.Read(ref *waiters) != 0)
            Futex.Wake(word, wanted);
    }

    public override void Wait(int seen, int milliseconds)
    {
        Interlocked.Increment(ref *waiters);
        Futex.Wait(word, seen, milliseconds);
        Interlocked.Decrement(ref *waiters);
    }
}
