using RobustTrain.Data.Loading;

namespace RobustTrain.Training.Evaluation;

/// <summary>
/// How many batches of an evaluation are computed at once: a given number, or one that follows the machine's load. Then one more is computed
/// as long as a processor is idle and memory is left, and one fewer where memory runs short. No score depends on it.
/// </summary>
internal sealed class EvaluationWorkers
{
    private const double SpareProcessors = 0.5;

    // What one more needs is about what one takes, which is not known beforehand: so a good part has to be free, and a small one is a warning.
    private const double PlentyOfMemory = 0.25;
    private const double ShortOfMemory = 0.1;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(500);

    private readonly bool _follows;
    private readonly int _most;
    private readonly TimeProvider _time;
    private readonly Func<double> _idle;
    private readonly Func<double> _freeMemory;
    private long _since;
    private double _idleSeconds;

    /// <summary>A number of workers.</summary>
    /// <param name="given">The number; null follows the load.</param>
    /// <param name="most">How many there may be: batches that the loader can keep apart.</param>
    /// <param name="time">The clock.</param>
    /// <param name="idleSeconds">The seconds that all processors have been idle so far; null asks the system.</param>
    /// <param name="freeMemory">The share of the machine's memory that is free, 0 to 1; null asks the system.</param>
    public EvaluationWorkers(int? given, int most, TimeProvider time, Func<double>? idleSeconds = null, Func<double>? freeMemory = null)
    {
        _follows = given is null;
        _most = _follows ? Math.Min(most, Environment.ProcessorCount) : most;
        _time = time;
        _idle = idleSeconds ?? HostProcessors.IdleSeconds;
        _freeMemory = freeMemory ?? FreeMemory;
        Count = Math.Min(given ?? 1, most);
        Begin();
    }

    /// <summary>How many there are to be now.</summary>
    public int Count { get; private set; }

    /// <summary>A pass begins: what came before says nothing about it.</summary>
    public void Begin()
    {
        _since = _time.GetTimestamp();
        _idleSeconds = _idle();
    }

    /// <summary>Looks at the load since it last decided.</summary>
    public void Follow()
    {
        double elapsed = _time.GetElapsedTime(_since).TotalSeconds;
        if (!_follows || elapsed < Window.TotalSeconds)
            return;
        double spare = (_idle() - _idleSeconds) / elapsed;
        double free = _freeMemory();
        Begin();
        if (free < ShortOfMemory)
            Count = Math.Max(1, Count - 1);
        else if (spare > SpareProcessors && free > PlentyOfMemory)
            Count = Math.Min(_most, Count + 1);
    }

    private static double FreeMemory() => (double)HostMemory.AvailableBytes() / GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
}
