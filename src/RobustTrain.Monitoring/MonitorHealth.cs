namespace RobustTrain.Monitoring;

/// <summary>How a monitor itself is doing.</summary>
public sealed record MonitorHealth
{
    /// <summary>The host that it watches.</summary>
    public required string ComputerName { get; init; }

    /// <summary>Where its samples come from.</summary>
    public required string Source { get; init; }

    /// <summary>What it is doing.</summary>
    public required MonitorState State { get; init; }

    /// <summary>Samples taken and published as current.</summary>
    public required long SamplesTaken { get; init; }

    /// <summary>Ticks at which no sample could begin, because the one before had not returned.</summary>
    public required long SamplesMissed { get; init; }

    /// <summary>Samples given up after the timeout.</summary>
    public required long SamplesAbandoned { get; init; }

    /// <summary>Samples that failed with an error.</summary>
    public required long Errors { get; init; }

    /// <summary>The last error.</summary>
    public string? LastError { get; init; }

    /// <summary>When the last error came, UTC.</summary>
    public DateTimeOffset? LastErrorTime { get; init; }

    /// <summary>When the last current sample was taken, UTC.</summary>
    public DateTimeOffset? LastSampleTime { get; init; }

    /// <summary>Since when the values are stale, UTC; null where they are current.</summary>
    public DateTimeOffset? StaleSince { get; init; }

    /// <summary>The CPU time of all samples.</summary>
    public required TimeSpan CpuTime { get; init; }

    /// <summary>The cost of the last sample.</summary>
    public required SampleCost LastCost { get; init; }
}
