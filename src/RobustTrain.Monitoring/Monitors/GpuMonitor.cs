using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>Watches all GPUs of this host, one query a tick for all of them.</summary>
/// <inheritdoc cref="MonitorBase{T}(string, ISampleSource{T}, MonitorOptions)"/>
public sealed class GpuMonitor(string computerName, ISampleSource<GpuSnapshot> source, MonitorOptions options)
    : MonitorBase<GpuSnapshot>(computerName, source, options)
{
    private readonly GpuWindows _windows = new(options.WindowSize);

    /// <inheritdoc/>
    protected override GpuSnapshot Complete(GpuSnapshot sample, SampleCost cost)
    {
        _windows.Complete(sample.Gpus, cost);
        return sample;
    }

    /// <inheritdoc/>
    protected override GpuSnapshot MarkStale(GpuSnapshot? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        new(ComputerName, now, GpuStatus.Stale(ComputerName, last?.Gpus, now, since, reason));
}

/// <summary>The windows of all GPUs of one host.</summary>
internal sealed class GpuWindows(int size)
{
    private readonly Dictionary<string, Windows> _byDevice = new(StringComparer.Ordinal);

    /// <summary>Adds each GPU's sample to its windows and writes the windows' figures into it.</summary>
    public void Complete(IReadOnlyList<GpuStatus> gpus, SampleCost cost)
    {
        for (int i = 0; i < gpus.Count; i++)
        {
            GpuStatus gpu = gpus[i];
            string key = gpu.Uuid ?? $"{gpu.Index}";
            if (!_byDevice.TryGetValue(key, out Windows? windows))
                _byDevice[key] = windows = new Windows(size);
            windows.Complete(gpu);
            gpu.SampleMilliseconds = cost.Elapsed.TotalMilliseconds;
            gpu.SampleCpuMilliseconds = cost.Cpu.TotalMilliseconds;
        }
    }

    private sealed class Windows(int size)
    {
        private readonly SlidingWindow _utilization = new(size);
        private readonly SlidingWindow _memory = new(size);
        private readonly SlidingWindow _temperature = new(size);
        private readonly SlidingWindow _power = new(size);

        public void Complete(GpuStatus gpu)
        {
            // A lost GPU repeats its last values, which are no new samples.
            _utilization.Add(gpu.IsConnected ? gpu.UtilizationPercent : null);
            _memory.Add(gpu.IsConnected ? gpu.MemoryUsedBytes : null);
            _temperature.Add(gpu.IsConnected ? gpu.TemperatureCelsius : null);
            _power.Add(gpu.IsConnected ? gpu.PowerWatts : null);

            (gpu.UtilizationPercentMin, gpu.UtilizationPercentMax, gpu.UtilizationPercentMean) = _utilization.Statistics;
            (gpu.MemoryUsedBytesMin, gpu.MemoryUsedBytesMax, gpu.MemoryUsedBytesMean) = _memory.Statistics;
            (gpu.TemperatureCelsiusMin, gpu.TemperatureCelsiusMax, gpu.TemperatureCelsiusMean) = _temperature.Statistics;
            (gpu.PowerWattsMin, gpu.PowerWattsMax, gpu.PowerWattsMean) = _power.Statistics;
        }
    }
}
