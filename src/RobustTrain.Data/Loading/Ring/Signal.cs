using System.Runtime.Versioning;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>A counter that can be waited on. A thread reads it, looks for work, and waits with the value that it read: then it misses no raise in between.</summary>
internal abstract unsafe class Signal
{
    /// <summary>The signal that the memory of a ring asks for.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="word">A word in it: the counter, where processes share it.</param>
    /// <param name="waiters">Another one: how many wait.</param>
    /// <param name="name">Tells it from the ring's other signal.</param>
    public static Signal In(RingMemory memory, int* word, int* waiters, string name)
    {
        // Between threads too: it wakes in fewer steps than a monitor.
        if (OperatingSystem.IsLinux())
            return new FutexSignal(word, waiters);
        return OperatingSystem.IsWindows() && memory is SharedRingMemory shared
            ? new SemaphoreSignal(word, waiters, shared.Semaphore(name))
            : new MonitorSignal();
    }

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

/// <summary>
/// A signal between processes of Windows: the counter and the number of waiters are words in the ring's memory, and who waits does so for a
/// semaphore. A process that is killed while it waits leaves a waiter too many in the count, so that each raise wakes somebody in vain. Where
/// one waits newly in the very moment of a raise, it may take another's turn, who then waits for the next raise or his time's end.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class SemaphoreSignal(int* word, int* waiters, SharedSemaphore semaphore) : Signal
{
    public override int Value => Volatile.Read(ref *word);

    public override void Raise(int wanted = int.MaxValue)
    {
        Interlocked.Increment(ref *word);
        int waiting = Volatile.Read(ref *waiters);
        if (waiting > 0)
            semaphore.Wake(Math.Min(waiting, wanted));
    }

    public override void Wait(int seen, int milliseconds)
    {
        Interlocked.Increment(ref *waiters);
        if (Value == seen)
            semaphore.Wait(milliseconds);
        Interlocked.Decrement(ref *waiters);
    }
}
