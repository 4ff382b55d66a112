namespace RobustTrain.Monitoring.Status;

/// <summary>All GPUs of a host at one time.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Time">When they were read, UTC.</param>
/// <param name="Gpus">The GPUs by index; empty where the host has none.</param>
public sealed record GpuSnapshot(string ComputerName, DateTimeOffset Time, IReadOnlyList<GpuStatus> Gpus);

/// <summary>A host at one time: its CPU and all its GPUs.</summary>
/// <param name="ComputerName">The host, as the operator named it.</param>
/// <param name="Time">When it was read, UTC.</param>
/// <param name="Cpu">Its CPU; null where it was not asked for.</param>
/// <param name="Gpus">Its GPUs; null where they were not asked for.</param>
public sealed record HostSnapshot(string ComputerName, DateTimeOffset Time, CpuStatus? Cpu, IReadOnlyList<GpuStatus>? Gpus);

/// <summary>The last known status of a host; its parts may be of different times, and stale.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Cpu">Its CPU; null where it is not watched or has not been read yet.</param>
/// <param name="Gpus">Its GPUs; empty where they are not watched, have not been read yet, or where there are none.</param>
public sealed record SystemStatus(string ComputerName, CpuStatus? Cpu, IReadOnlyList<GpuStatus> Gpus);

/// <summary>What of a host is watched.</summary>
[Flags]
public enum MonitorKinds
{
    /// <summary>Its GPUs.</summary>
    Gpu = 1,

    /// <summary>Its CPU and memory.</summary>
    Cpu = 2,
}
