namespace RobustTrain.Data.Loading;

/// <summary>A worker's place, which one worker after the other takes.</summary>
internal sealed class WorkerSeat(string name)
{
    public string Name => name;

    public IWorker? Worker { get; set; }

    /// <summary>The cell of the worker; -1 without one.</summary>
    public int Cell { get; set; } = -1;

    public WorkerHealth Health { get; set; } = WorkerHealth.Dead;

    public long LastBeats { get; set; }

    /// <summary>When the heartbeat last moved, in ticks of the stopwatch.</summary>
    public long LastBeatAt { get; set; }

    /// <summary>Failures since the seat last loaded a sample.</summary>
    public int FailuresInRow { get; set; }

    /// <summary>When the next worker may start, in ticks of the stopwatch.</summary>
    public long RestartAt { get; set; }

    public int Starts { get; set; }

    /// <summary>Samples of the workers before the present one.</summary>
    public long SamplesBefore { get; set; }

    /// <summary>Why the present worker is being killed; null where it isn't.</summary>
    public string? KillReason { get; set; }

    /// <summary>Mails read from the present worker since it last loaded a sample.</summary>
    public bool IsFailing { get; set; }
}
