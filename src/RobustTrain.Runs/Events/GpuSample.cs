namespace RobustTrain.Runs.Events;

/// <summary>One GPU in a <see cref="SystemSample"/>; what the device does not tell is null.</summary>
/// <param name="Index">Its index in the order of the PCI bus.</param>
/// <param name="Uuid">Its UUID.</param>
/// <param name="UtilizationPercent">The mean share of time in which a kernel ran over the last ten seconds, in percent.</param>
/// <param name="MemoryUsedBytes">Memory in use.</param>
/// <param name="MemoryTotalBytes">All memory.</param>
/// <param name="TemperatureCelsius">Its temperature.</param>
/// <param name="PowerWatts">The power drawn.</param>
public sealed record GpuSample(
    int Index, string? Uuid, double? UtilizationPercent, long? MemoryUsedBytes, long? MemoryTotalBytes, int? TemperatureCelsius, double? PowerWatts);
