namespace RobustTrain.Monitoring.Cpu;

/// <summary>Watches the CPU and memory of this host.</summary>
public sealed class CpuMonitor : MonitorBase<CpuStatus>
{
    private readonly CpuWindows windows;

    /// <summary>Makes a monitor; it samples nothing until it is started.</summary>
    /// <param name="computerName">The host's name.</param>
    /// <param name="source">Where samples come from; the monitor disposes it.</param>
    /// <param name="options">How to sample.</param>
    public CpuMonitor(string computerName, ISampleSource<CpuStatus> source, MonitorOptions options)
        : base(computerName, source, options) => windows = new CpuWindows(options.WindowSize);

    /// <inheritdoc/>
    protected override CpuStatus Complete(CpuStatus sample, SampleCost cost)
    {
        windows.Complete(sample, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override CpuStatus MarkStale(CpuStatus? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        Stale(ComputerName, last, now, since, reason);

    /// <summary>The last values marked stale.</summary>
    internal static CpuStatus Stale(string computerName, CpuStatus? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        (last ?? new CpuStatus { ComputerName = computerName, Time = now }) with { Time = now, IsConnected = false, StaleSince = since, Error = reason };
}
