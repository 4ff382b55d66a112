using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.NvidiaSmi;

/// <summary>The cheap query: one line a GPU, with fields that every driver since 390 knows.</summary>
internal static class SmiCsv
{
    /// <summary>The arguments.</summary>
    public const string Query = "--query-gpu=index,uuid,name,pci.bus_id,driver_version,memory.total,memory.used,memory.free,utilization.gpu,utilization.memory,temperature.gpu,fan.speed,power.draw,enforced.power.limit,clocks.sm,clocks.gr,clocks.mem,pstate --format=csv,noheader,nounits";

    private const int Fields = 18;

    /// <summary>Reads the output: each GPU with the index that the driver gives it, those that are lost too.</summary>
    /// <exception cref="MonitorException">It is not what the query gives.</exception>
    public static List<GpuStatus> Parse(SmiOutput output, DateTimeOffset now)
    {
        output.RequireEnd();
        string computerName = output.ComputerName;
        var gpus = new List<GpuStatus>();
        var unreachable = new List<SmiFailure>();
        foreach (string line in output.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // Of a corrupted infoROM, for one; the values are as good as ever.
            if (line.StartsWith("WARNING:", StringComparison.Ordinal))
                continue;
            if (SmiFailure.Of(line) is { } failure)
            {
                if (!failure.IsAboutOneGpu)
                    throw failure.ToException(computerName);
                unreachable.Add(failure);
                continue;
            }

            string[] field = line.Split(',', StringSplitOptions.TrimEntries);
            if (field.Length != Fields || SmiValue.Whole(field[0]) is not { } index)
                throw new MonitorException("NvidiaSmiMalformed", $"nvidia-smi of {computerName} wrote '{Shorten(line)}'{output.End}, but a line of {Fields} values for each GPU was expected.", line);
            bool lost = field.Any(SmiValue.IsLost);
            gpus.Add(new GpuStatus
            {
                ComputerName = computerName,
                Time = now,
                Index = index,
                Uuid = SmiValue.Text(field[1]),
                Name = SmiValue.Text(field[2]),
                PciBusId = SmiValue.BusId(field[3]),
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

        gpus.AddRange(Unreachable(unreachable, gpus, computerName, now));
        return [.. gpus.OrderBy(gpu => gpu.Index)];
    }

    // Such a GPU keeps its index, which nvidia-smi does not tell: it is one that no other has, in the order of the bus. Where none is told at
    // all, its index cannot be known.
    private static List<GpuStatus> Unreachable(List<SmiFailure> failures, List<GpuStatus> others, string computerName, DateTimeOffset now)
    {
        IEnumerable<int?> left = others.Count == 0
            ? failures.Select(_ => (int?)null)
            : Enumerable.Range(0, others.Count + failures.Count).Select(index => (int?)index).Except(others.Select(gpu => gpu.Index));
        return [.. failures.OrderBy(failure => failure.PciBusId, StringComparer.Ordinal).Zip(left, (failure, index) => new GpuStatus
        {
            ComputerName = computerName,
            Time = now,
            Index = index,
            PciBusId = failure.PciBusId,
            IsConnected = false,
            StaleSince = now,
            Error = failure.Sentence(computerName),
        })];
    }

    /// <summary>The beginning of a text, for a message.</summary>
    internal static string Shorten(string text) => text.Length > 120 ? text[..120] + "…" : text;
}
