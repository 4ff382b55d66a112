using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;

namespace RobustTrain.Monitoring.Remote;

/// <summary>A host at one time: its CPU and all its GPUs.</summary>
/// <param name="ComputerName">The host, as the operator named it.</param>
/// <param name="Time">When it was read, UTC.</param>
/// <param name="Cpu">Its CPU; null where it was not asked for.</param>
/// <param name="Gpus">Its GPUs; null where they were not asked for.</param>
public sealed record HostSnapshot(string ComputerName, DateTimeOffset Time, CpuStatus? Cpu, IReadOnlyList<GpuStatus>? Gpus);
