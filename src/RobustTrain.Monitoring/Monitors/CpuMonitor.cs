using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>Watches the CPU and memory of this host.</summary>
/// <inheritdoc cref="MonitorBase{T}(string, ISampleSource{T}, MonitorOptions)"/>
public sealed class CpuMonitor(string computerName, ISampleSource<CpuStatus> source, MonitorOptions options)
    : MonitorBase<CpuStatus>(computerName, source, options)
{
    private readonly CpuWindows _windows = new(options.WindowSize);

    /// <inheritdoc/>
    protected override CpuStatus Complete(CpuStatus sample, SampleCost cost)
    {
        _windows.Complete(sample, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override CpuStatus MarkStale(CpuStatus? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        CpuStatus.Stale(ComputerName, last, now, since, reason);
}

/// <summary>The windows of one host's CPU.</summary>
internal sealed class CpuWindows(int size)
{
    private readonly SlidingWindow _utilization = new(size);
    private readonly SlidingWindow _memory = new(size);
    private readonly SlidingWindow _load = new(size);

    /// <summary>Adds the sample to the windows and writes the windows' figures into it.</summary>
    public void Complete(CpuStatus cpu, SampleCost cost)
    {
        _utilization.Add(cpu.UtilizationPercent);
        _memory.Add(cpu.MemoryUsedBytes);
        _load.Add(cpu.LoadAverage1);
        (cpu.UtilizationPercentMin, cpu.UtilizationPercentMax, cpu.UtilizationPercentMean) = _utilization.Statistics;
        (cpu.MemoryUsedBytesMin, cpu.MemoryUsedBytesMax, cpu.MemoryUsedBytesMean) = _memory.Statistics;
        (cpu.LoadAverage1Min, cpu.LoadAverage1Max, cpu.LoadAverage1Mean) = _load.Statistics;
        cpu.SampleMilliseconds = cost.Elapsed.TotalMilliseconds;
        cpu.SampleCpuMilliseconds = cost.Cpu.TotalMilliseconds;
    }
}
