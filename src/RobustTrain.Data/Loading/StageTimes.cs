using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>A worker's present stage and the time it spent in each, in ticks of the stopwatch; in memory that others may read.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StageTimes
{
    public const int StageCount = 4;

    private int _stage;
    private int _reserved;
    private long _since;
    private fixed long _ticks[StageCount];

    public LoadStage Stage => (LoadStage)Volatile.Read(ref _stage);

    public long this[LoadStage stage] => Volatile.Read(ref _ticks[(int)stage]);

    public void Begin(long now)
    {
        _since = now;
        _stage = (int)LoadStage.Other;
        _reserved = 0;
    }

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
