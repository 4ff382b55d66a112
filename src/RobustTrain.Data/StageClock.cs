using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RobustTrain.Data;

/// <summary>
/// Lets a dataset say which stage of loading it is in, so that statistics know where the time goes and a stuck worker's last stage is known.
/// It costs two reads of the clock; outside a worker it does nothing.
/// </summary>
public static unsafe class StageClock
{
    [ThreadStatic]
    private static StageTimes* _times;

    /// <summary>Enters a stage until the result is disposed; stages may nest, and a nested one's time counts for itself alone.</summary>
    public static Scope Enter(LoadStage stage) => new(_times, stage);

    /// <summary>Lets a dataset say, from within a worker, what the operator should know; each is told once.</summary>
    /// <returns>False outside a worker, where nobody hears it.</returns>
    internal static bool TryNote(LoadNotices notices)
    {
        if (_times is null)
            return false;
        _times->Note(notices);
        return true;
    }

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

/// <summary>A worker's present stage and the time it spent in each, in ticks of the stopwatch; in memory that others may read.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StageTimes
{
    public const int StageCount = 4;

    private int _stage;
    private int _notices;
    private long _since;
    private fixed long _ticks[StageCount];

    public LoadStage Stage => (LoadStage)Volatile.Read(ref _stage);

    public long this[LoadStage stage] => Volatile.Read(ref _ticks[(int)stage]);

    public void Begin(long now)
    {
        _since = now;
        _stage = (int)LoadStage.Other;
    }

    /// <summary>What the worker has noted so far.</summary>
    public LoadNotices Notices => (LoadNotices)Volatile.Read(ref _notices);

    /// <summary>Adds a note.</summary>
    public void Note(LoadNotices notices) => Interlocked.Or(ref _notices, (int)notices);

    /// <summary>Ends the present stage and begins another; the stage that ended.</summary>
    public LoadStage Switch(LoadStage next, long now)
    {
        LoadStage previous = (LoadStage)_stage;
        _ticks[_stage] += now - _since;
        _since = now;
        Volatile.Write(ref _stage, (int)next);
        return previous;
    }
}

/// <summary>What a worker does with a sample.</summary>
public enum LoadStage
{
    /// <summary>Whatever belongs to no other stage.</summary>
    Other,

    /// <summary>Reading a file.</summary>
    Read,

    /// <summary>Decoding an image.</summary>
    Decode,

    /// <summary>Augmenting, and writing the sample into its batch.</summary>
    Augment,
}

/// <summary>What a worker finds that changes no sample, but that the operator should know.</summary>
[Flags]
internal enum LoadNotices
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>An entry of the cache of decoded images was damaged; it has been made anew.</summary>
    CacheDamaged = 1,

    /// <summary>The disk of that cache is full.</summary>
    CacheFull = 2,

    /// <summary>The folder of that cache can't be written.</summary>
    CacheNotWritable = 4,
}
