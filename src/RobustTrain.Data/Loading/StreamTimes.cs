using System.Diagnostics;

namespace RobustTrain.Data.Loading;

/// <summary>Where the time of a stream goes: its own, and its session's since the stream was opened.</summary>
internal sealed class StreamTimes
{
    private readonly LoaderSession _session;
    private readonly StageTotals _before;
    private readonly long _opened = Stopwatch.GetTimestamp();
    private double _firstBatchSeconds;
    private long _closed;

    /// <summary>Begins to count. Under the session's gate.</summary>
    public StreamTimes(LoaderSession session)
    {
        _session = session;
        _before = Total();
    }

    /// <summary>Batches delivered.</summary>
    public int Batches { get; private set; }

    /// <summary>Ticks of the stopwatch that the consumer waited, or loaded itself.</summary>
    public long WaitTicks { get; private set; }

    /// <summary>Ticks of those in which the consumer only waited for samples, or loaded them.</summary>
    public long SampleTicks { get; set; }

    /// <summary>What workers and consumer have done since the stream was opened. Under the session's gate.</summary>
    public StageTotals SinceOpened() => Total().Minus(_before);

    /// <summary>Counts a batch.</summary>
    public void CountBatch() => Batches++;

    /// <summary>Counts the consumer's wait that began at a time and ends now.</summary>
    public void CountWait(long since)
    {
        long now = Stopwatch.GetTimestamp();
        WaitTicks += now - since;
        if (Batches == 1 && _firstBatchSeconds == 0)
            _firstBatchSeconds = Seconds(now - _opened);
    }

    /// <summary>Stops the clock, the first time.</summary>
    public void Close()
    {
        if (_closed == 0)
            _closed = Stopwatch.GetTimestamp();
    }

    /// <summary>The statistics so far. Under the session's gate.</summary>
    public LoaderStatistics Read()
    {
        StageTotals totals = SinceOpened();
        return new LoaderStatistics
        {
            Workers = _session.WorkerCount,
            Batches = Batches,
            Samples = totals.Samples,
            ReadSeconds = Seconds(totals[LoadStage.Read]),
            DecodeSeconds = Seconds(totals[LoadStage.Decode]),
            AugmentSeconds = Seconds(totals[LoadStage.Augment]),
            OtherSeconds = Seconds(totals[LoadStage.Other]),
            WorkerWaitSeconds = Seconds(totals.WaitTicks),
            ConsumerWaitSeconds = Seconds(WaitTicks),
            HandOverSeconds = Seconds(WaitTicks - SampleTicks),
            ElapsedSeconds = Seconds((_closed == 0 ? Stopwatch.GetTimestamp() : _closed) - _opened),
            FirstBatchSeconds = _firstBatchSeconds,
        };
    }

    /// <summary>Ticks of the stopwatch as seconds.</summary>
    public static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;

    private unsafe StageTotals Total()
    {
        StageTotals totals = new();
        _session.Monitor?.Register.AddTimesTo(totals);
        totals.Add(_session.Ring.Cell(LoaderSession.ConsumerCell));
        return totals;
    }
}
