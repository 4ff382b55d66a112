using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring.Status;

/// <summary>One GPU at one time. What the device or its driver does not tell is null.</summary>
public sealed record GpuStatus : StatusRecord
{
    /// <summary>The index that the driver gives it, in the order of the PCI bus; null where its host has not answered yet.</summary>
    [JsonPropertyOrder(-5)]
    public int? Index { get; init; }

    /// <summary>The UUID, which stays the same across reboots.</summary>
    [JsonPropertyOrder(-4)]
    public string? Uuid { get; init; }

    /// <summary>The product's name.</summary>
    [JsonPropertyOrder(-3)]
    public string? Name { get; init; }

    /// <summary>
    /// The device as the trainer names it, for example <c>cuda:0</c>; null for a GPU that CUDA_VISIBLE_DEVICES leaves out, that is lost, or that is
    /// of another host, and where CUDA_DEVICE_ORDER asks for an order that CUDA does not tell.
    /// </summary>
    [JsonPropertyOrder(-2)]
    public string? Device { get; init; }

    /// <summary>The PCI bus id: domain, bus, device, function.</summary>
    public string? PciBusId { get; init; }

    /// <summary>The driver's version.</summary>
    public string? DriverVersion { get; init; }

    /// <summary>The newest CUDA version that the driver supports.</summary>
    public string? CudaVersion { get; init; }

    /// <summary>All memory, in bytes.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Memory in use, in bytes.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>Memory that can be allocated, in bytes.</summary>
    public long? MemoryFreeBytes { get; init; }

    /// <summary>Memory that driver and firmware keep for themselves, in bytes.</summary>
    public long? MemoryReservedBytes { get; init; }

    /// <summary>The share of time in which a kernel ran, in percent.</summary>
    public int? UtilizationPercent { get; init; }

    /// <summary>The share of time in which memory was read or written, in percent.</summary>
    public int? MemoryUtilizationPercent { get; init; }

    /// <summary>The video encoder's utilisation, in percent.</summary>
    public int? EncoderUtilizationPercent { get; init; }

    /// <summary>The video decoder's utilisation, in percent.</summary>
    public int? DecoderUtilizationPercent { get; init; }

    /// <summary>The GPU's temperature.</summary>
    public int? TemperatureCelsius { get; init; }

    /// <summary>The memory's temperature.</summary>
    public int? MemoryTemperatureCelsius { get; init; }

    /// <summary>The temperature at which clocks are lowered.</summary>
    public int? TemperatureSlowdownCelsius { get; init; }

    /// <summary>The temperature at which the GPU shuts down.</summary>
    public int? TemperatureShutdownCelsius { get; init; }

    /// <summary>The fan's intended speed, in percent.</summary>
    public int? FanPercent { get; init; }

    /// <summary>The power drawn, in watts.</summary>
    public double? PowerWatts { get; init; }

    /// <summary>The power limit in force, in watts.</summary>
    public double? PowerLimitWatts { get; init; }

    /// <summary>The energy used since the driver was loaded, in joules.</summary>
    public double? EnergyJoules { get; init; }

    /// <summary>The graphics clock, in MHz.</summary>
    public int? GraphicsClockMegahertz { get; init; }

    /// <summary>The multiprocessors' clock, in MHz.</summary>
    public int? SmClockMegahertz { get; init; }

    /// <summary>The memory clock, in MHz.</summary>
    public int? MemoryClockMegahertz { get; init; }

    /// <summary>The highest multiprocessor clock, in MHz.</summary>
    public int? SmClockMaxMegahertz { get; init; }

    /// <summary>Why clocks are below their highest, names separated by commas; empty where nothing holds them back, null where the driver does not tell.</summary>
    public string? ThrottleReasons { get; init; }

    /// <summary>The performance state, <c>P0</c> (highest) to <c>P15</c>.</summary>
    public string? PerformanceState { get; init; }

    /// <summary>Whether ECC is on.</summary>
    public bool? IsEccEnabled { get; init; }

    /// <summary>Memory errors corrected since the driver was loaded.</summary>
    public long? EccCorrectedVolatile { get; init; }

    /// <summary>Memory errors that could not be corrected since the driver was loaded.</summary>
    public long? EccUncorrectedVolatile { get; init; }

    /// <summary>Memory errors corrected over the GPU's life.</summary>
    public long? EccCorrectedAggregate { get; init; }

    /// <summary>Memory errors that could not be corrected over the GPU's life.</summary>
    public long? EccUncorrectedAggregate { get; init; }

    /// <summary>Pages retired after several correctable errors.</summary>
    public int? RetiredPagesSingleBit { get; init; }

    /// <summary>Pages retired after an uncorrectable error.</summary>
    public int? RetiredPagesDoubleBit { get; init; }

    /// <summary>Whether pages wait for a reboot to be retired.</summary>
    public bool? IsRetirementPending { get; init; }

    /// <summary>Rows remapped after correctable errors.</summary>
    public int? RemappedRowsCorrectable { get; init; }

    /// <summary>Rows remapped after uncorrectable errors.</summary>
    public int? RemappedRowsUncorrectable { get; init; }

    /// <summary>Whether rows wait for a reset to be remapped.</summary>
    public bool? IsRemappingPending { get; init; }

    /// <summary>Whether a remapping has failed.</summary>
    public bool? HasRemappingFailed { get; init; }

    /// <summary>The PCIe generation of the link at present.</summary>
    public int? PcieGeneration { get; init; }

    /// <summary>The lanes of the PCIe link at present.</summary>
    public int? PcieWidth { get; init; }

    /// <summary>PCIe traffic from the GPU, in bytes a second.</summary>
    public long? PcieTransmitBytesPerSecond { get; init; }

    /// <summary>PCIe traffic to the GPU, in bytes a second.</summary>
    public long? PcieReceiveBytesPerSecond { get; init; }

    /// <summary>NVLink traffic from the GPU over all links, in bytes a second.</summary>
    public long? NvLinkTransmitBytesPerSecond { get; init; }

    /// <summary>NVLink traffic to the GPU over all links, in bytes a second.</summary>
    public long? NvLinkReceiveBytesPerSecond { get; init; }

    /// <summary>Whether the GPU is divided into MIG instances.</summary>
    public bool? IsMigEnabled { get; init; }

    /// <summary>The MIG instances; null where the GPU is not divided.</summary>
    public IReadOnlyList<MigDevice>? MigDevices { get; init; }

    /// <summary>The last XID error seen since the monitor began; null where there was none or the source cannot tell.</summary>
    public int? LastXid { get; init; }

    /// <summary>When the last XID error was seen, UTC.</summary>
    public DateTimeOffset? LastXidTime { get; init; }

    /// <summary>XID errors seen since the monitor began; null where the source cannot tell.</summary>
    public int? XidCount { get; init; }

    /// <summary>The processes that use it; null where they were not asked for or are not told.</summary>
    public IReadOnlyList<GpuProcess>? Processes { get; init; }

    /// <summary>The least utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMin { get; internal set; }

    /// <summary>The greatest utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMax { get; internal set; }

    /// <summary>The mean utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMean { get; internal set; }

    /// <summary>The least memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMin { get; internal set; }

    /// <summary>The greatest memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMax { get; internal set; }

    /// <summary>The mean memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMean { get; internal set; }

    /// <summary>The least temperature in the window.</summary>
    public double? TemperatureCelsiusMin { get; internal set; }

    /// <summary>The greatest temperature in the window.</summary>
    public double? TemperatureCelsiusMax { get; internal set; }

    /// <summary>The mean temperature in the window.</summary>
    public double? TemperatureCelsiusMean { get; internal set; }

    /// <summary>The least power in the window, in watts.</summary>
    public double? PowerWattsMin { get; internal set; }

    /// <summary>The greatest power in the window, in watts.</summary>
    public double? PowerWattsMax { get; internal set; }

    /// <summary>The mean power in the window, in watts.</summary>
    public double? PowerWattsMean { get; internal set; }

    /// <summary>GPUs' last values marked stale; one entry without an index where there are none.</summary>
    internal static IReadOnlyList<GpuStatus> Stale(string computerName, IReadOnlyList<GpuStatus>? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        last is { Count: > 0 }
            ? [.. last.Select(gpu => gpu with { Time = now, IsConnected = false, StaleSince = gpu.StaleSince ?? since, Error = reason })]
            : [new GpuStatus { ComputerName = computerName, Time = now, IsConnected = false, StaleSince = since, Error = reason }];

    /// <inheritdoc/>
    public override string ToString() => $"{ComputerName} GPU {Index}: {Name}";
}

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
