namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>The cheap query: one line a GPU, with fields that every driver since 390 knows.</summary>
internal static class SmiCsv
{
    /// <summary>The arguments.</summary>
    public const string Query = "--query-gpu=index,uuid,name,pci.bus_id,driver_version,memory.total,memory.used,memory.free,utilization.gpu,utilization.memory,temperature.gpu,fan.speed,power.draw,enforced.power.limit,clocks.sm,clocks.gr,clocks.mem,pstate --format=csv,noheader,nounits";

    private const int Fields = 18;

    /// <summary>Reads the output.</summary>
    /// <exception cref="MonitorException">It is not what the query gives.</exception>
    public static List<GpuStatus> Parse(string text, string computerName, DateTimeOffset now)
    {
        var gpus = new List<GpuStatus>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // Of a corrupted infoROM, for one; the values are as good as ever.
            if (line.StartsWith("WARNING:", StringComparison.Ordinal))
                continue;

            if (SmiFailure.Of(line) is { } failure)
            {
                if (failure.IsAboutOneGpu)
                    continue;

                throw failure.ToException(computerName);
            }

            string[] field = line.Split(',', StringSplitOptions.TrimEntries);
            if (field.Length != Fields || SmiValue.Whole(field[0]) is not { } index)
                throw new MonitorException("NvidiaSmiMalformed", $"nvidia-smi of {computerName} wrote '{Shorten(line)}', but a line of {Fields} values for each GPU was expected.", line);

            bool lost = field.Any(SmiValue.IsLost);
            gpus.Add(new GpuStatus
            {
                ComputerName = computerName,
                Time = now,
                Index = index,
                Uuid = SmiValue.Text(field[1]),
                Name = SmiValue.Text(field[2]),
                PciBusId = SmiValue.Text(field[3]),
                DriverVersion = SmiValue.Text(field[4]),
                MemoryTotalBytes = SmiValue.Bytes(field[5]),
                MemoryUsedBytes = SmiValue.Bytes(field[6]),
                MemoryFreeBytes = SmiValue.Bytes(field[7]),
                UtilizationPercent = SmiValue.Whole(field[8]),
                MemoryUtilizationPercent = SmiValue.Whole(field[9]),
                TemperatureCelsius = SmiValue.Whole(field[10]),
                FanPercent = SmiValue.Whole(field[11]),
                PowerWatts = SmiValue.Number(field[12]),
                PowerLimitWatts = SmiValue.Number(field[13]),
                SmClockMegahertz = SmiValue.Whole(field[14]),
                GraphicsClockMegahertz = SmiValue.Whole(field[15]),
                MemoryClockMegahertz = SmiValue.Whole(field[16]),
                PerformanceState = SmiValue.Text(field[17]),
                IsConnected = !lost,
                StaleSince = lost ? now : null,
                Error = lost ? $"nvidia-smi of {computerName} says that this GPU is lost." : null,
            });
        }

        return gpus;
    }

    /// <summary>The beginning of a text, for a message.</summary>
    internal static string Shorten(string text) => text.Length > 120 ? text[..120] + "…" : text;
}
