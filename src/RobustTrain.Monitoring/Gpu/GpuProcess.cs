namespace RobustTrain.Monitoring.Gpu;

/// <summary>A process that uses a GPU.</summary>
public sealed record GpuProcess
{
    /// <summary>The process id on its host.</summary>
    public required int ProcessId { get; init; }

    /// <summary><c>Compute</c> or <c>Graphics</c>.</summary>
    public required string Type { get; init; }

    /// <summary>GPU memory in use, in bytes.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>The owner's name.</summary>
    public string? User { get; init; }

    /// <summary>The command line.</summary>
    public string? Command { get; init; }

    /// <summary>When it started, UTC.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>The MIG GPU instance that it runs on.</summary>
    public int? GpuInstanceId { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{ProcessId} {User} {Command}";
}
