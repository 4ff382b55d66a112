using System.Diagnostics;
using RobustTrain.Platform;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// Waits between two looks at a collective: at first not at all, then by letting others have the core, then in naps, so that a rank that waits does
/// not take the core from one that computes.
/// </summary>
/// <param name="bytes">What is moved only while it is looked at, so that naps begin later where there is much of it.</param>
internal readonly struct CollectivePause(long bytes)
{
    // A slow transport's bytes in a second.
    private const double Speed = 500e6;

    private static readonly TimeSpan s_busy = TimeSpan.FromMilliseconds(0.05);

    private readonly TimeSpan _yielding = TimeSpan.FromSeconds(0.002 + (bytes / Speed));
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Waits for a moment.</summary>
    public void Once()
    {
        TimeSpan waited = Stopwatch.GetElapsedTime(_began);
        if (waited > _yielding)
            ThisThread.Nap();
        else if (waited > s_busy)
            Thread.Yield();
    }
}
