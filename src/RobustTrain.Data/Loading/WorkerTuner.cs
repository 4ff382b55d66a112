using System.Diagnostics;
using System.Globalization;
using RobustTrain.Platform;

namespace RobustTrain.Data.Loading;

/// <summary>
/// Finds the number of workers: as long as the consumer starves and the machine has processors to spare, one more is worth its memory.
/// </summary>
internal sealed class WorkerTuner
{
    private const double StarvingShare = 0.05;
    private const double SpareProcessors = 0.5;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(500);

    private readonly int _most;
    private readonly TimeProvider _time;
    private readonly Func<double> _idle;
    private long _since;
    private long _waitTicks;
    private double _idleSeconds;

    /// <summary>A tuner that never wants more than a number of workers.</summary>
    /// <param name="most">The number.</param>
    /// <param name="time">The clock.</param>
    /// <param name="idleSeconds">The seconds that all processors have been idle so far; null asks the system.</param>
    public WorkerTuner(int most, TimeProvider time, Func<double>? idleSeconds = null)
    {
        _most = most;
        _time = time;
        _idle = idleSeconds ?? SystemResources.IdleProcessorSeconds;
        _since = time.GetTimestamp();
        _idleSeconds = _idle();
    }

    /// <summary>Looks at the time since it last decided; why one more worker is wanted, or null.</summary>
    /// <param name="workers">How many there are.</param>
    /// <param name="waitTicks">Ticks of the stopwatch that the consumer has waited, in all.</param>
    public string? WhyOneMore(int workers, long waitTicks)
    {
        long now = _time.GetTimestamp();
        double elapsed = _time.GetElapsedTime(_since, now).TotalSeconds;
        if (workers >= _most || elapsed < Window.TotalSeconds)
            return null;
        double starving = (double)(waitTicks - _waitTicks) / Stopwatch.Frequency / elapsed;
        double idle = _idle();
        double spare = (idle - _idleSeconds) / elapsed;
        (_since, _waitTicks, _idleSeconds) = (now, waitTicks, idle);
        return starving > StarvingShare && spare > SpareProcessors
            ? string.Create(CultureInfo.InvariantCulture, $"the consumer waited {starving * 100:F0} % of the time, and {spare:F1} processors were idle")
            : null;
    }
}
