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
    // A slow transport's bytes in a second, and a quick one's: before so long nothing can be there, and what is under way moves only while it is looked at.
    private const double Speed = 500e6;
    private const double QuickSpeed = 2e9;

    private readonly TimeSpan _busy = TimeSpan.FromSeconds(0.00005 + (bytes / QuickSpeed));
    private readonly TimeSpan _yielding = TimeSpan.FromSeconds(0.002 + (bytes / Speed));
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Waits for a moment.</summary>
    public void Once()
    {
        TimeSpan waited = Stopwatch.GetElapsedTime(_began);
        if (waited > _yielding)
            ThisThread.Nap();
        else if (waited > _busy)
            Thread.Yield();
    }
}
