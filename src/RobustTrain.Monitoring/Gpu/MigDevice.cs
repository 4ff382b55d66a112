namespace RobustTrain.Monitoring.Gpu;

/// <summary>One MIG instance of a GPU.</summary>
public sealed record MigDevice
{
    /// <summary>Its index on the GPU.</summary>
    public required int Index { get; init; }

    /// <summary>Its UUID.</summary>
    public string? Uuid { get; init; }

    /// <summary>Its name, which tells its profile.</summary>
    public string? Name { get; init; }

    /// <summary>The device as the trainer names it, where CUDA_VISIBLE_DEVICES names this instance; null where it does not, or on another host.</summary>
    public string? Device { get; init; }

    /// <summary>The id of its GPU instance.</summary>
    public int? GpuInstanceId { get; init; }

    /// <summary>The id of its compute instance.</summary>
    public int? ComputeInstanceId { get; init; }

    /// <summary>All its memory, in bytes.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Its memory in use, in bytes.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>Its memory that can be allocated, in bytes.</summary>
    public long? MemoryFreeBytes { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Uuid}";
}
