using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>
/// Lets a data set say which stage of loading it is in, so that statistics know where the time goes and a stuck worker's last stage is known.
/// It costs two reads of the clock; outside a worker it does nothing.
/// </summary>
public static unsafe class StageClock
{
    [ThreadStatic]
    private static StageTimes* _times;

    /// <summary>Enters a stage until the result is disposed; stages may nest, and a nested one's time counts for itself alone.</summary>
    public static Scope Enter(LoadStage stage) => new(_times, stage);

    /// <summary>Where the calling thread's times are added up; null for nowhere.</summary>
    internal static void Attach(StageTimes* times) => _times = times;

    /// <summary>A stage that ends when it is disposed.</summary>
    public readonly ref struct Scope
    {
        private readonly StageTimes* _times;
        private readonly LoadStage _outer;

        internal Scope(StageTimes* times, LoadStage stage)
        {
            _times = times;
            if (times is not null)
                _outer = times->Switch(stage, Stopwatch.GetTimestamp());
        }

        /// <summary>Goes back to the stage outside.</summary>
        public void Dispose()
        {
            if (_times is not null)
                _times->Switch(_outer, Stopwatch.GetTimestamp());
        }
    }
}
