namespace RobustTrain.Monitoring.Gpu;

/// <summary>Watches all GPUs of this host, one query a tick for all of them.</summary>
public sealed class GpuMonitor : MonitorBase<GpuSnapshot>
{
    private readonly GpuWindows windows;

    /// <summary>Makes a monitor; it samples nothing until it is started.</summary>
    /// <param name="computerName">The host's name.</param>
    /// <param name="source">Where samples come from; the monitor disposes it.</param>
    /// <param name="options">How to sample.</param>
    public GpuMonitor(string computerName, ISampleSource<GpuSnapshot> source, MonitorOptions options)
        : base(computerName, source, options) => windows = new GpuWindows(options.WindowSize);

    /// <inheritdoc/>
    protected override GpuSnapshot Complete(GpuSnapshot sample, SampleCost cost)
    {
        windows.Complete(sample.Gpus, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override GpuSnapshot MarkStale(GpuSnapshot? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        new(ComputerName, now, Stale(ComputerName, last?.Gpus, now, since, reason));

    /// <summary>GPUs' last values marked stale; one entry without an index where there are none.</summary>
    internal static IReadOnlyList<GpuStatus> Stale(string computerName, IReadOnlyList<GpuStatus>? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        last is { Count: > 0 }
            ? [.. last.Select(gpu => gpu with { Time = now, IsConnected = false, StaleSince = gpu.StaleSince ?? since, Error = reason })]
            : [new GpuStatus { ComputerName = computerName, Time = now, IsConnected = false, StaleSince = since, Error = reason }];
}
