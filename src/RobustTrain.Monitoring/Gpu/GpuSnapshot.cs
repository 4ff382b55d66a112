namespace RobustTrain.Monitoring.Gpu;

/// <summary>All GPUs of a host at one time.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Time">When they were read, UTC.</param>
/// <param name="Gpus">The GPUs by index; empty where the host has none.</param>
public sealed record GpuSnapshot(string ComputerName, DateTimeOffset Time, IReadOnlyList<GpuStatus> Gpus);
