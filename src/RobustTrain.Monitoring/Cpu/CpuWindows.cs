using RobustTrain.Monitoring.Statistics;

namespace RobustTrain.Monitoring.Cpu;

/// <summary>The windows of one host's CPU.</summary>
/// <param name="size">How many samples a window holds.</param>
internal sealed class CpuWindows(int size)
{
    private readonly SlidingWindow utilization = new(size);
    private readonly SlidingWindow memory = new(size);
    private readonly SlidingWindow load = new(size);

    /// <summary>Adds the sample to the windows and writes the windows' figures into it.</summary>
    public void Complete(CpuStatus cpu, SampleCost cost)
    {
        utilization.Add(cpu.UtilizationPercent);
        memory.Add(cpu.MemoryUsedBytes);
        load.Add(cpu.LoadAverage1);
        (cpu.UtilizationPercentMin, cpu.UtilizationPercentMax, cpu.UtilizationPercentMean) = utilization.Statistics;
        (cpu.MemoryUsedBytesMin, cpu.MemoryUsedBytesMax, cpu.MemoryUsedBytesMean) = memory.Statistics;
        (cpu.LoadAverage1Min, cpu.LoadAverage1Max, cpu.LoadAverage1Mean) = load.Statistics;
        cpu.SampleMilliseconds = cost.Elapsed.TotalMilliseconds;
        cpu.SampleCpuMilliseconds = cost.Cpu.TotalMilliseconds;
    }
}
