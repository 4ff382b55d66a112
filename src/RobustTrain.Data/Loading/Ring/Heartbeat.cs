using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading.Ring;

/// <summary>What a worker shows of itself, and its reports, in memory that others read without asking the worker.</summary>
[StructLayout(LayoutKind.Sequential, Size = Heartbeat.Bytes)]
internal unsafe struct Heartbeat
{
    public const int ReportCount = 3;

    /// <summary>Whole pages.</summary>
    public const int Bytes = (ReportsOffset + (ReportCount * FailureReport.Bytes) + 4095) / 4096 * 4096;

    private const int ReportsOffset = 256;

    /// <summary>Counts samples and idle turns; while it stands still, so does the worker.</summary>
    public long Beats;

    /// <summary>A <see cref="WorkerState"/>.</summary>
    public int State;

    /// <summary>The slot of the sample that is being loaded.</summary>
    public int Slot;

    /// <summary>The sample's place in the slot.</summary>
    public int Position;

    /// <summary>The sample's index in the dataset.</summary>
    public int SampleIndex;

    /// <summary>Samples loaded.</summary>
    public long Samples;

    /// <summary>Ticks of the stopwatch spent waiting for a free slot.</summary>
    public long WaitTicks;

    /// <summary>Not 0 once nobody watches the worker any more, so that it has to leave.</summary>
    public int Dismissed;

    /// <summary>Where the time on samples went.</summary>
    public StageTimes Stages;

    /// <summary>One of a worker's reports.</summary>
    public static FailureReport* Report(Heartbeat* heartbeat, int place) =>
        (FailureReport*)((byte*)heartbeat + ReportsOffset + (place * FailureReport.Bytes));
}

/// <summary>What a worker says that it does.</summary>
internal enum WorkerState
{
    /// <summary>It has not come up yet.</summary>
    Starting,

    /// <summary>It waits for work.</summary>
    Idle,

    /// <summary>It loads a sample.</summary>
    Loading,

    /// <summary>It has left of its own accord.</summary>
    Left,
}
