using RobustTrain.Platform;

namespace RobustTrain.Data.Loading.Ring;

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
