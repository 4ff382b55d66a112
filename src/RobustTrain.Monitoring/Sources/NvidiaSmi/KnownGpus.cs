using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.NvidiaSmi;

/// <summary>
/// The GPUs of one host as they were told before: what only the full query tells is carried over to the samples between, and a GPU that is lost
/// keeps its index and its last values.
/// </summary>
internal sealed class KnownGpus
{
    private IReadOnlyList<GpuStatus> _full = [];
    private IReadOnlyList<GpuStatus> _known = [];
    private DateTimeOffset? _staleSince;

    /// <summary>Takes note of a full query's values.</summary>
    public void Remember(IReadOnlyList<GpuStatus> gpus) => _full = gpus;

    /// <summary>A sample of all GPUs, from what the host told now and before.</summary>
    /// <param name="told">The GPUs that the host told, by the driver's indices.</param>
    /// <param name="computerName">The host.</param>
    /// <param name="now">The time, UTC.</param>
    public IReadOnlyList<GpuStatus> Settle(IEnumerable<GpuStatus> told, string computerName, DateTimeOffset now)
    {
        _staleSince = null;
        List<GpuStatus> gpus = [.. told];

        // The driver has numbered its GPUs anew; what was known of their order holds no longer.
        if (gpus.Any(gpu => gpu.Uuid is not null && _known.Any(before => before.Uuid == gpu.Uuid && before.Index != gpu.Index)))
            _known = [];
        for (int i = 0; i < gpus.Count; i++)
        {
            if (!gpus[i].IsConnected && Find(_known, gpus[i]) is { } last)
                gpus[i] = Lost(last, now, gpus[i].Error!);
        }

        gpus.AddRange(_known
            .Where(before => Find(gpus, before) is null && gpus.All(gpu => gpu.Index != before.Index))
            .Select(before => Lost(before, now, $"nvidia-smi of {computerName} no longer tells this GPU.")));
        return _known = [.. gpus.OrderBy(gpu => gpu.Index)];
    }

    /// <summary>The GPUs marked stale, where the host answers but its GPUs do not.</summary>
    public IReadOnlyList<GpuStatus> Stale(string computerName, DateTimeOffset now, string reason)
    {
        _staleSince ??= now;
        return GpuStatus.Stale(computerName, _known, now, _staleSince.Value, reason);
    }

    /// <summary>A cheap sample with the other values of the last full one.</summary>
    public GpuStatus Complete(GpuStatus cheap) => !cheap.IsConnected || Find(_full, cheap) is not { } values ? cheap : values with
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
        PowerLimitWatts = cheap.PowerLimitWatts ?? values.PowerLimitWatts,
        SmClockMegahertz = cheap.SmClockMegahertz,
        GraphicsClockMegahertz = cheap.GraphicsClockMegahertz,
        MemoryClockMegahertz = cheap.MemoryClockMegahertz,
        PerformanceState = cheap.PerformanceState,
    };

    private static GpuStatus Lost(GpuStatus last, DateTimeOffset now, string reason) =>
        last with { Time = now, IsConnected = false, StaleSince = last.StaleSince ?? last.Time, Error = reason };

    // A GPU that is lost tells neither its UUID nor, mostly, its place on the bus; its index is all there is then.
    private static GpuStatus? Find(IReadOnlyList<GpuStatus> gpus, GpuStatus wanted) => gpus.FirstOrDefault(gpu =>
        gpu.Uuid is not null && wanted.Uuid is not null ? gpu.Uuid == wanted.Uuid
        : gpu.PciBusId is not null && wanted.PciBusId is not null ? gpu.PciBusId == wanted.PciBusId
        : gpu.Index is not null && gpu.Index == wanted.Index);
}
