namespace RobustTrain.Monitoring.Monitors;

/// <summary>How a monitor itself is doing.</summary>
public sealed record MonitorHealth
{
    /// <summary>The host that it watches.</summary>
    public required string ComputerName { get; init; }

    /// <summary>Where its samples come from.</summary>
    public required string Source { get; init; }

    /// <summary>What it is doing.</summary>
    public MonitorState State { get; internal set; }

    /// <summary>Samples taken and published as current.</summary>
    public long SamplesTaken { get; internal set; }

    /// <summary>Ticks at which no sample could begin, because the one before had not returned.</summary>
    public long SamplesMissed { get; internal set; }

    /// <summary>Samples given up after the timeout.</summary>
    public long SamplesAbandoned { get; internal set; }

    /// <summary>Samples that failed with an error.</summary>
    public long Errors { get; internal set; }

    /// <summary>The last error.</summary>
    public string? LastError { get; internal set; }

    /// <summary>When the last error came, UTC.</summary>
    public DateTimeOffset? LastErrorTime { get; internal set; }

    /// <summary>When the last current sample was taken, UTC.</summary>
    public DateTimeOffset? LastSampleTime { get; internal set; }

    /// <summary>Since when the values are stale, UTC; null where they are current.</summary>
    public DateTimeOffset? StaleSince { get; internal set; }

    /// <summary>The CPU time of all samples.</summary>
    public TimeSpan CpuTime { get; internal set; }

    /// <summary>The cost of the last sample.</summary>
    public SampleCost LastCost { get; internal set; }

    /// <summary>A sample was taken.</summary>
    internal void Took(DateTimeOffset now)
    {
        SamplesTaken++;
        LastSampleTime = now;
        StaleSince = null;
        State = MonitorState.Connected;
    }

    /// <summary>The monitor stopped without waiting for a call any longer.</summary>
    /// <param name="isCounted">Whether the call was given up before.</param>
    internal void LeftBehind(bool isCounted)
    {
        if (State != MonitorState.StoppedWithCallAbandoned && !isCounted)
            SamplesAbandoned++;
        State = MonitorState.StoppedWithCallAbandoned;
    }

    /// <summary>A sample's listener failed.</summary>
    internal void ListenerFailed(DateTimeOffset now, string error)
    {
        Errors++;
        LastError = error;
        LastErrorTime = now;
    }

    /// <summary>The last values are stale from now on, or still.</summary>
    /// <returns>Since when.</returns>
    internal DateTimeOffset Stale(DateTimeOffset now, DateTimeOffset begin, string reason)
    {
        StaleSince ??= LastSampleTime ?? begin;
        LastError = reason;
        LastErrorTime = now;
        State = MonitorState.Stale;
        return StaleSince.Value;
    }
}

/// <summary>What a monitor is doing.</summary>
public enum MonitorState
{
    /// <summary>Made, not started.</summary>
    Created,

    /// <summary>Samples come.</summary>
    Connected,

    /// <summary>The last sample failed or does not return; the last values are stale.</summary>
    Stale,

    /// <summary>Stopped; nothing of it runs.</summary>
    Stopped,

    /// <summary>Stopped while a call into the source had not returned: its thread ends when the call does, or with the process.</summary>
    StoppedWithCallAbandoned,
}

/// <summary>What one sample cost.</summary>
/// <param name="Elapsed">Real time.</param>
/// <param name="Cpu">CPU time of the sampling thread.</param>
/// <param name="AllocatedBytes">Managed memory allocated.</param>
public readonly record struct SampleCost(TimeSpan Elapsed, TimeSpan Cpu, long AllocatedBytes);
