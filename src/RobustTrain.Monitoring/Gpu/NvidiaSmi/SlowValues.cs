namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>Carries what only the full query tells over to the samples between.</summary>
internal sealed class SlowValues
{
    private readonly Dictionary<string, GpuStatus> byDevice = new(StringComparer.Ordinal);
    private DateTimeOffset? staleSince;

    /// <summary>Takes note of a full sample.</summary>
    public void Remember(IReadOnlyList<GpuStatus> gpus)
    {
        staleSince = null;
        byDevice.Clear();
        foreach (GpuStatus gpu in gpus)
            byDevice[gpu.Uuid ?? $"{gpu.Index}"] = gpu;
    }

    /// <summary>The GPUs of the last full sample marked stale, where the host answers but its GPUs do not.</summary>
    public IReadOnlyList<GpuStatus> Stale(string computerName, DateTimeOffset now, string reason)
    {
        staleSince ??= now;
        return GpuMonitor.Stale(computerName, [.. byDevice.Values], now, staleSince.Value, reason);
    }

    /// <summary>A cheap sample with the other values of the last full one.</summary>
    public GpuStatus Complete(GpuStatus cheap) => !byDevice.TryGetValue(cheap.Uuid ?? $"{cheap.Index}", out GpuStatus? full) ? cheap : full with
    {
        Time = cheap.Time,
        Index = cheap.Index,
        IsConnected = cheap.IsConnected,
        StaleSince = cheap.StaleSince,
        Error = cheap.Error,
        MemoryTotalBytes = cheap.MemoryTotalBytes,
        MemoryUsedBytes = cheap.MemoryUsedBytes,
        MemoryFreeBytes = cheap.MemoryFreeBytes,
        UtilizationPercent = cheap.UtilizationPercent,
        MemoryUtilizationPercent = cheap.MemoryUtilizationPercent,
        TemperatureCelsius = cheap.TemperatureCelsius,
        FanPercent = cheap.FanPercent,
        PowerWatts = cheap.PowerWatts,
        PowerLimitWatts = cheap.PowerLimitWatts ?? full.PowerLimitWatts,
        SmClockMegahertz = cheap.SmClockMegahertz,
        GraphicsClockMegahertz = cheap.GraphicsClockMegahertz,
        MemoryClockMegahertz = cheap.MemoryClockMegahertz,
        PerformanceState = cheap.PerformanceState,
    };
}
