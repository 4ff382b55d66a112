using System.Runtime.InteropServices;
using System.Text;

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

    /// <summary>Ticks of the stopwatch spent waiting for work.</summary>
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

/// <summary>A worker's report of a sample that can't be loaded, in memory that it shares with the trainer.</summary>
[StructLayout(LayoutKind.Sequential, Size = FailureReport.Bytes)]
internal unsafe struct FailureReport
{
    public const int Bytes = 24 + TextBytes;

    // PATH_MAX: no path is longer. A sentence may name two files.
    private const int PathBytes = 4096;
    private const int TextBytes = PathBytes + (2 * PathBytes) + 1024;

    /// <summary>0 empty, 1 full; written last by the sender, cleared by the receiver.</summary>
    public int IsFull;

    public int Slot;

    public int Position;

    private int _pathBytes;
    private int _messageBytes;
    private int _isOfFile;
    private fixed byte _text[TextBytes];

    public void Write(int slot, int position, SampleException failure)
    {
        Slot = slot;
        Position = position;
        _isOfFile = failure.IsOfFile ? 1 : 0;
        fixed (byte* text = _text)
        {
            Span<byte> room = new(text, TextBytes);
            _pathBytes = Encoding.UTF8.GetBytes(failure.Path, room[..PathBytes]);
            // Only a sentence that holds more than its two paths can be too long.
            Encoding.UTF8.GetEncoder().Convert(failure.Message, room[_pathBytes..], flush: true, out _, out _messageBytes, out _);
        }

        Volatile.Write(ref IsFull, 1);
    }

    public SampleException Read()
    {
        fixed (byte* text = _text)
        {
            string path = Encoding.UTF8.GetString(text, _pathBytes);
            return new SampleException(Encoding.UTF8.GetString(text + _pathBytes, _messageBytes), path) { IsOfFile = _isOfFile != 0 };
        }
    }
}
