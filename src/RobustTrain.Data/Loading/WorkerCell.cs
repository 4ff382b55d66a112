using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>A worker's heartbeat and mailbox, in memory that others read without asking the worker.</summary>
[StructLayout(LayoutKind.Sequential, Size = WorkerCell.Bytes)]
internal unsafe struct WorkerCell
{
    public const int Bytes = 4096;
    public const int MailCount = 3;
    private const int MailOffset = 256;

    /// <summary>Counts samples and idle turns; while it stands still, so does the worker.</summary>
    public long Beats;

    /// <summary>A <see cref="WorkerState"/>.</summary>
    public int State;

    /// <summary>The slot of the sample that is being loaded.</summary>
    public int Slot;

    /// <summary>The sample's place in the slot.</summary>
    public int Position;

    /// <summary>The sample's index in the data set.</summary>
    public int SampleIndex;

    /// <summary>Samples loaded.</summary>
    public long Samples;

    /// <summary>Ticks of the stopwatch spent on samples.</summary>
    public long LoadTicks;

    /// <summary>Ticks of the stopwatch spent waiting for a free slot.</summary>
    public long WaitTicks;

    /// <summary>Not 0 once nobody watches the worker any more, so that it has to leave.</summary>
    public int Dismissed;

    /// <summary>Where the time on samples went.</summary>
    public StageTimes Stages;

    /// <summary>A mailbox of a worker.</summary>
    public static FailureMail* Mail(WorkerCell* cell, int box) =>
        (FailureMail*)((byte*)cell + MailOffset + (box * FailureMail.Bytes));
}
