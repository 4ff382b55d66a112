using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>Watches all GPUs of this host, one query a tick for all of them.</summary>
/// <inheritdoc cref="MonitorBase{T}(string, ISampleSource{T}, MonitorOptions)"/>
public sealed class GpuMonitor(string computerName, ISampleSource<GpuSnapshot> source, MonitorOptions options)
    : MonitorBase<GpuSnapshot>(computerName, source, options)
{
    private readonly GpuWindows windows = new(options.WindowSize);

    /// <inheritdoc/>
    protected override GpuSnapshot Complete(GpuSnapshot sample, SampleCost cost)
    {
        windows.Complete(sample.Gpus, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override GpuSnapshot MarkStale(GpuSnapshot? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        new(ComputerName, now, GpuStatus.Stale(ComputerName, last?.Gpus, now, since, reason));
}

/// <summary>The windows of all GPUs of one host.</summary>
internal sealed class GpuWindows(int size)
{
    private readonly Dictionary<string, Windows> byDevice = new(StringComparer.Ordinal);

    /// <summary>Adds each GPU's sample to its windows and writes the windows' figures into it.</summary>
    public void Complete(IReadOnlyList<GpuStatus> gpus, SampleCost cost)
    {
        for (int i = 0; i < gpus.Count; i++)
        {
            GpuStatus gpu = gpus[i];
            string key = gpu.Uuid ?? $"{gpu.Index}";
            if (!byDevice.TryGetValue(key, out Windows? windows))
                byDevice[key] = windows = new Windows(size);
            windows.Complete(gpu);
            gpu.SampleMilliseconds = cost.Elapsed.TotalMilliseconds;
            gpu.SampleCpuMilliseconds = cost.Cpu.TotalMilliseconds;
        }
    }

    private sealed class Windows(int size)
    {
        private readonly SlidingWindow utilization = new(size);
        private readonly SlidingWindow memory = new(size);
        private readonly SlidingWindow temperature = new(size);
        private readonly SlidingWindow power = new(size);

        public void Complete(GpuStatus gpu)
        {
            // A lost GPU repeats its last values, which are no new samples.
            utilization.Add(gpu.IsConnected ? gpu.UtilizationPercent : null);
            memory.Add(gpu.IsConnected ? gpu.MemoryUsedBytes : null);
            temperature.Add(gpu.IsConnected ? gpu.TemperatureCelsius : null);
            power.Add(gpu.IsConnected ? gpu.PowerWatts : null);

            (gpu.UtilizationPercentMin, gpu.UtilizationPercentMax, gpu.UtilizationPercentMean) = utilization.Statistics;
            (gpu.MemoryUsedBytesMin, gpu.MemoryUsedBytesMax, gpu.MemoryUsedBytesMean) = memory.Statistics;
            (gpu.TemperatureCelsiusMin, gpu.TemperatureCelsiusMax, gpu.TemperatureCelsiusMean) = temperature.Statistics;
            (gpu.PowerWattsMin, gpu.PowerWattsMax, gpu.PowerWattsMean) = power.Statistics;
        }
    }
}
