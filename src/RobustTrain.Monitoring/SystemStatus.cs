using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;

namespace RobustTrain.Monitoring;

/// <summary>The last known status of a host; its parts may be of different times, and stale.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Cpu">Its CPU; null where it is not watched or has not been read yet.</param>
/// <param name="Gpus">Its GPUs; empty where they are not watched, have not been read yet, or where there are none.</param>
public sealed record SystemStatus(string ComputerName, CpuStatus? Cpu, IReadOnlyList<GpuStatus> Gpus);
