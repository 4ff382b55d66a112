using RobustTrain.Monitoring.Status;

namespace RobustTrain.Dashboard.Hosts;

/// <summary>What a host's CPU and GPUs did: the last quarter of an hour tick by tick, and the last day by the means of a minute.</summary>
/// <param name="interval">The time between ticks.</param>
internal sealed class HostHistory(TimeSpan interval)
{
    private const int FineTicks = 450;
    private const int CoarseTicks = 1440;

    private readonly SortedDictionary<int, Figure[]> _gpus = [];
    private readonly Figure[] _cpu = [new("cpu_percent"), new("memory_bytes")];
    private readonly int _ticksEach = Math.Max(1, (int)Math.Round(60 / interval.TotalSeconds));
    private readonly Times _times = new();
    private int _ticks;

    /// <summary>Adds what is known now.</summary>
    public void Add(SystemStatus status, DateTimeOffset now)
    {
        bool isCoarse = ++_ticks % _ticksEach == 0;
        CpuStatus? cpu = status.Cpu is { IsConnected: true } current ? current : null;
        Put(_cpu[0], cpu?.UtilizationPercent, isCoarse);
        Put(_cpu[1], cpu?.MemoryUsedBytes, isCoarse);
        foreach (GpuStatus gpu in status.Gpus)
        {
            if (gpu.Index is not { } index)
                continue;
            if (!_gpus.TryGetValue(index, out Figure[]? figures))
                _gpus[index] = figures = [new("utilization_percent"), new("memory_bytes"), new("temperature_celsius"), new("power_watts")];
            Put(figures[0], gpu.IsConnected ? gpu.UtilizationPercent : null, isCoarse);
            Put(figures[1], gpu.IsConnected ? gpu.MemoryUsedBytes : null, isCoarse);
            Put(figures[2], gpu.IsConnected ? gpu.TemperatureCelsius : null, isCoarse);
            Put(figures[3], gpu.IsConnected ? gpu.PowerWatts : null, isCoarse);
        }

        _times.Add(now, isCoarse);
    }

    /// <summary>The curves.</summary>
    /// <param name="isCoarse">Whether those of the day are asked for.</param>
    public HostHistoryView View(bool isCoarse) => new(
        isCoarse ? 60 : interval.TotalSeconds,
        isCoarse ? _times.Coarse : _times.Fine,
        _cpu.ToDictionary(figure => figure.Name, figure => figure.Of(isCoarse)),
        [.. _gpus.Select(gpu => new GpuHistoryView(gpu.Key, gpu.Value.ToDictionary(figure => figure.Name, figure => figure.Of(isCoarse))))]);

    private void Put(Figure figure, double? value, bool isCoarse)
    {
        figure.Fine.Add(value);
        if (isCoarse)
            figure.Coarse.Add(figure.Fine.MeanOfNewest(_ticksEach));
    }

    private sealed class Figure(string name)
    {
        public string Name => name;

        public Ring Fine { get; } = new(FineTicks);

        public Ring Coarse { get; } = new(CoarseTicks);

        public float?[] Of(bool isCoarse) => (isCoarse ? Coarse : Fine).ToArray();
    }

    private sealed class Times
    {
        public DateTimeOffset? Fine { get; private set; }

        public DateTimeOffset? Coarse { get; private set; }

        public void Add(DateTimeOffset now, bool isCoarse)
        {
            Fine = now;
            if (isCoarse)
                Coarse = now;
        }
    }
}

/// <summary>A host's curves; each ends at the same time, and a GPU that was seen later has fewer values.</summary>
/// <param name="SecondsEach">The time between two values.</param>
/// <param name="End">When the last values were read; null where there are none.</param>
/// <param name="Cpu">The CPU's figures by name.</param>
/// <param name="Gpus">The GPUs.</param>
internal sealed record HostHistoryView(double SecondsEach, DateTimeOffset? End, IReadOnlyDictionary<string, float?[]> Cpu, IReadOnlyList<GpuHistoryView> Gpus);

/// <summary>A GPU's curves.</summary>
internal sealed record GpuHistoryView(int Index, IReadOnlyDictionary<string, float?[]> Figures);
