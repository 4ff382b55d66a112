namespace RobustTrain.Monitoring.Status;

/// <summary>A process of a host.</summary>
public sealed record HostProcess
{
    /// <summary>The process id.</summary>
    public required int ProcessId { get; init; }

    /// <summary>The owner's name, or the number where it has none.</summary>
    public string? User { get; init; }

    /// <summary>The program's name.</summary>
    public string? Name { get; init; }

    /// <summary>The command line.</summary>
    public string? Command { get; init; }

    /// <summary>When it started, UTC.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>CPU time since the last sample in percent of one core; null at the first.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Memory in use (resident), in bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>The state's letter, as <c>ps</c> shows it.</summary>
    public string? State { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{ProcessId} {User} {Command}";
}
