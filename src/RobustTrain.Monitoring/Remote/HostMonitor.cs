using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;

namespace RobustTrain.Monitoring.Remote;

/// <summary>Watches another host over its one connection.</summary>
public sealed class HostMonitor : MonitorBase<HostSnapshot>
{
    private readonly MonitorKinds kinds;
    private readonly CpuWindows cpu;
    private readonly GpuWindows gpus;

    /// <summary>Makes a monitor; it samples nothing until it is started.</summary>
    /// <param name="computerName">The host, as the operator named it.</param>
    /// <param name="kinds">What to watch.</param>
    /// <param name="source">Where samples come from; the monitor disposes it.</param>
    /// <param name="options">How to sample.</param>
    public HostMonitor(string computerName, MonitorKinds kinds, ISampleSource<HostSnapshot> source, MonitorOptions options)
        : base(computerName, source, options)
    {
        this.kinds = kinds;
        cpu = new CpuWindows(options.WindowSize);
        gpus = new GpuWindows(options.WindowSize);
    }

    /// <inheritdoc/>
    protected override HostSnapshot Complete(HostSnapshot sample, SampleCost cost)
    {
        if (sample.Cpu is not null)
            cpu.Complete(sample.Cpu, cost);

        if (sample.Gpus is not null)
            gpus.Complete(sample.Gpus, cost);

        return sample;
    }

    /// <inheritdoc/>
    protected override HostSnapshot MarkStale(HostSnapshot? last, DateTimeOffset now, DateTimeOffset since, string reason) => new(
        ComputerName,
        now,
        kinds.HasFlag(MonitorKinds.Cpu) ? CpuMonitor.Stale(ComputerName, last?.Cpu, now, since, reason) : null,
        kinds.HasFlag(MonitorKinds.Gpu) ? GpuMonitor.Stale(ComputerName, last?.Gpus, now, since, reason) : null);
}
