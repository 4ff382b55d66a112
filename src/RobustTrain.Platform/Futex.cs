using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>Linux's wait on a word of memory (futex(2)), between processes that share it or between threads.</summary>
public static unsafe class Futex
{
    private const int WaitOperation = 0;
    private const int WakeOperation = 1;

    // The numbers of system calls differ between architectures; asm/unistd_64.h and asm-generic/unistd.h.
    private static readonly nint s_number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    /// <summary>Waits until the word is woken, at most so long; returns at once where it is no longer what is expected.</summary>
    public static void Wait(int* word, int expected, int milliseconds)
    {
        Libc.Timespec timeout = new() { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000L };
        _ = Libc.Futex(s_number, word, WaitOperation, expected, &timeout, null, 0);
    }

    /// <summary>Wakes so many waiters at most.</summary>
    public static void Wake(int* word, int waiters) => _ = Libc.Futex(s_number, word, WakeOperation, waiters, null, null, 0);
}
