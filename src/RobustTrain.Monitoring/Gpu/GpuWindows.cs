using RobustTrain.Monitoring.Statistics;

namespace RobustTrain.Monitoring.Gpu;

/// <summary>The windows of all GPUs of one host.</summary>
/// <param name="size">How many samples a window holds.</param>
internal sealed class GpuWindows(int size)
{
    private readonly Dictionary<string, Windows> byDevice = new(StringComparer.Ordinal);
    private readonly List<(string Key, Windows Windows)> byPosition = [];

    /// <summary>Adds each GPU's sample to its windows and writes the windows' figures into it.</summary>
    public void Complete(IReadOnlyList<GpuStatus> gpus, SampleCost cost)
    {
        double elapsed = cost.Elapsed.TotalMilliseconds, cpu = cost.Cpu.TotalMilliseconds;
        for (int i = 0; i < gpus.Count; i++)
        {
            GpuStatus gpu = gpus[i];
            WindowsAt(i, gpu).Complete(gpu);
            gpu.SampleMilliseconds = elapsed;
            gpu.SampleCpuMilliseconds = cpu;
        }
    }

    // A GPU stands where it stood before, but for those rare times when one comes or goes.
    private Windows WindowsAt(int position, GpuStatus gpu)
    {
        string key = gpu.Uuid ?? $"{gpu.Index}";
        if (position < byPosition.Count && byPosition[position] is var (known, same) && known == key)
            return same;

        if (!byDevice.TryGetValue(key, out Windows? windows))
            byDevice[key] = windows = new Windows(size);

        while (byPosition.Count <= position)
            byPosition.Add(("", windows));

        byPosition[position] = (key, windows);
        return windows;
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
