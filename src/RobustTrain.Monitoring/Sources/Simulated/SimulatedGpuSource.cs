using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Simulated;

/// <summary>GPUs that do not exist, for demonstrations: they breathe between idle and full load, each a little later than the one before.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="count">How many.</param>
/// <param name="options">How to sample.</param>
public sealed class SimulatedGpuSource(string computerName, int count, MonitorOptions options) : ISampleSource<GpuSnapshot>
{
    private const long Gibibyte = 1L << 30;
    private const double PeriodSeconds = 60;

    /// <inheritdoc/>
    public string Name => $"simulated:{count}";

    /// <inheritdoc/>
    public GpuSnapshot Sample(SampleDetail detail)
    {
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        var gpus = new GpuStatus[count];
        for (int index = 0; index < count; index++)
            gpus[index] = Make(index, now);
        return new GpuSnapshot(computerName, now, gpus);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private GpuStatus Make(int index, DateTimeOffset now)
    {
        double phase = ((now.ToUnixTimeMilliseconds() / 1000.0 / PeriodSeconds) + ((double)index / count)) * 2 * Math.PI;
        double load = (1 + Math.Sin(phase)) / 2;
        long used = (long)((2 + (60 * load)) * Gibibyte);
        return new GpuStatus
        {
            ComputerName = computerName,
            Time = now,
            Index = index,
            Uuid = FormattableString.Invariant($"GPU-51000000-0000-0000-0000-{index:x12}"),
            Name = "Simulated GPU 80GB",
            Device = FormattableString.Invariant($"cuda:{index}"),
            PciBusId = FormattableString.Invariant($"00000000:{index + 1:X2}:00.0"),
            DriverVersion = "simulated",
            MemoryTotalBytes = 80 * Gibibyte,
            MemoryUsedBytes = used,
            MemoryFreeBytes = (80 * Gibibyte) - used,
            UtilizationPercent = (int)Math.Round(load * 100),
            MemoryUtilizationPercent = (int)Math.Round(load * 60),
            TemperatureCelsius = (int)Math.Round(35 + (45 * load)),
            TemperatureSlowdownCelsius = 90,
            TemperatureShutdownCelsius = 95,
            PowerWatts = Math.Round(70 + (580 * load), 1),
            PowerLimitWatts = 700,
            SmClockMegahertz = (int)(345 + (1635 * load)),
            SmClockMaxMegahertz = 1980,
            ThrottleReasons = load < 0.05 ? "Idle" : "",
            PerformanceState = load < 0.05 ? "P8" : "P0",
            Processes = options.IncludeProcesses ? [] : null,
        };
    }
}
