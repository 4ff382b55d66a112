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

/// <summary>The last samples of one value. A sample at which the value was not known takes its place in the window but has no part in the figures.</summary>
/// <param name="size">How many samples it holds.</param>
public sealed class SlidingWindow(int size)
{
    private readonly double[] _values = new double[size];
    private int _next;
    private int _count;

    /// <summary>Adds a sample in place of the oldest one.</summary>
    /// <param name="value">The value, or null where it is not known.</param>
    public void Add(double? value)
    {
        _values[_next] = value ?? double.NaN;
        _next = (_next + 1) % _values.Length;
        _count = Math.Min(_count + 1, _values.Length);
    }

    /// <summary>The figures over the samples that it holds.</summary>
    public WindowStatistics Statistics
    {
        get
        {
            double min = double.PositiveInfinity, max = double.NegativeInfinity, sum = 0;
            int known = 0;
            foreach (double value in _values.AsSpan(0, _count))
            {
                if (double.IsNaN(value))
                    continue;
                min = Math.Min(min, value);
                max = Math.Max(max, value);
                sum += value;
                known++;
            }

            return known == 0 ? default : new WindowStatistics(min, max, sum / known);
        }
    }
}

/// <summary>The least, greatest and mean value of a window; all null where it holds none.</summary>
public readonly record struct WindowStatistics(double? Min, double? Max, double? Mean);
