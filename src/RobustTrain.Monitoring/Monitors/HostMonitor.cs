using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>Watches another host over its one connection.</summary>
/// <param name="computerName">The host, as the operator named it.</param>
/// <param name="kinds">What to watch.</param>
/// <param name="source">Where samples come from; the monitor disposes it.</param>
/// <param name="options">How to sample.</param>
public sealed class HostMonitor(string computerName, MonitorKinds kinds, ISampleSource<HostSnapshot> source, MonitorOptions options)
    : MonitorBase<HostSnapshot>(computerName, source, options)
{
    private readonly CpuWindows _cpu = new(options.WindowSize);
    private readonly GpuWindows _gpus = new(options.WindowSize);

    /// <inheritdoc/>
    protected override HostSnapshot Complete(HostSnapshot sample, SampleCost cost)
    {
        if (sample.Cpu is not null)
            _cpu.Complete(sample.Cpu, cost);
        if (sample.Gpus is not null)
            _gpus.Complete(sample.Gpus, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override HostSnapshot MarkStale(HostSnapshot? last, DateTimeOffset now, DateTimeOffset since, string reason) => new(
        ComputerName,
        now,
        kinds.HasFlag(MonitorKinds.Cpu) ? CpuStatus.Stale(ComputerName, last?.Cpu, now, since, reason) : null,
        kinds.HasFlag(MonitorKinds.Gpu) ? GpuStatus.Stale(ComputerName, last?.Gpus, now, since, reason) : null);
}
