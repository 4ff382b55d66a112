using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.NvidiaSmi;

/// <summary>The full query, <c>nvidia-smi -q -x</c>. Drivers name and place values differently over the years; what is not found is null.</summary>
internal static partial class SmiXml
{
    private const string End = "</nvidia_smi_log>";
    private const char Replacement = '\uFFFD';

    /// <summary>Reads the output. GPUs are numbered by their place, which is their index only where none is left out.</summary>
    /// <param name="output">What nvidia-smi wrote.</param>
    /// <param name="now">The time, UTC.</param>
    /// <param name="describe">Finds a process of that host; null where process lists were not asked for.</param>
    /// <returns>The GPUs, and whether these are all: a GPU that is lost may be left out, and <see cref="SmiCsv"/> tells the indices then.</returns>
    /// <exception cref="MonitorException">It is not what the query gives.</exception>
    public static (IReadOnlyList<GpuStatus> Gpus, bool IsWhole) Parse(SmiOutput output, DateTimeOffset now, Func<int, HostProcess?>? describe)
    {
        output.RequireEnd();
        string text = output.Text;
        int begin = text.IndexOf("<?xml", StringComparison.Ordinal);
        if (begin < 0)
        {
            SmiFailure? failure = text.Split('\n').Select(SmiFailure.Of).FirstOrDefault(found => found is not null);
            return failure is { IsAboutOneGpu: true } ? ([], false) : throw failure?.ToException(output.ComputerName) ?? Malformed(output, null);
        }

        // Warnings, of a corrupted infoROM for one, stand behind the document.
        int close = text.LastIndexOf(End, StringComparison.Ordinal);
        string document = close < begin ? text[begin..] : text[begin..(close + End.Length)];
        try
        {
            using var reader = XmlReader.Create(
                new StringReader(Readable(document)),
                new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, CheckCharacters = false });
            XElement log = XElement.Load(reader);
            GpuStatus[] gpus = [.. log.Elements("gpu").Select((gpu, place) => Gpu(log, gpu, place, output.ComputerName, now, describe))];
            return (gpus, SmiValue.Whole(Value(log, "attached_gpus")) == gpus.Length);
        }
        catch (XmlException failure)
        {
            throw Malformed(output, failure);
        }
    }

    /// <summary>
    /// The document with the names of processes as XML can hold them. Anyone on the host chooses those, and not every driver escapes them: one
    /// with a control character, or with a &lt;, would make all GPUs unreadable.
    /// </summary>
    private static string Readable(string document)
    {
        string escaped = ProcessName().Replace(document, match => BareAmpersand().Replace(match.Value, "&amp;").Replace("<", "&lt;", StringComparison.Ordinal));
        return string.Create(escaped.Length, escaped, static (target, source) =>
        {
            for (int i = 0; i < target.Length; i++)
            {
                bool isReadable = XmlConvert.IsXmlChar(source[i]) || (i + 1 < source.Length && XmlConvert.IsXmlSurrogatePair(source[i + 1], source[i]))
                    || (i > 0 && XmlConvert.IsXmlSurrogatePair(source[i], source[i - 1]));
                target[i] = isReadable ? source[i] : Replacement;
            }
        });
    }

    private static MonitorException Malformed(SmiOutput output, Exception? cause) =>
        new("NvidiaSmiMalformed", $"nvidia-smi of {output.ComputerName} did not write its XML{output.End}, but '{SmiCsv.Shorten(output.Text.Trim())}'.", output.ComputerName, cause);

    private static GpuStatus Gpu(XElement log, XElement gpu, int place, string computerName, DateTimeOffset now, Func<int, HostProcess?>? describe)
    {
        // gpu_power_readings since 530, power_readings before; instant_power_draw since 550.
        XElement? power = gpu.Element("gpu_power_readings") ?? gpu.Element("power_readings");
        XElement? reasons = gpu.Element("clocks_event_reasons") ?? gpu.Element("clocks_throttle_reasons");
        XElement? temperature = gpu.Element("temperature");
        XElement? memory = gpu.Element("fb_memory_usage");
        XElement? utilization = gpu.Element("utilization");
        XElement? link = gpu.Element("pci")?.Element("pci_gpu_link_info");
        XElement? rows = gpu.Element("remapped_rows");

        // What the processes are called is no evidence.
        bool lost = gpu.Elements().Where(part => part.Name != "processes").SelectMany(part => part.DescendantsAndSelf()).Any(part => !part.HasElements && SmiValue.IsLost(part.Value));
        bool? mig = SmiValue.Truth(Value(gpu, "mig_mode", "current_mig"));
        return new GpuStatus
        {
            ComputerName = computerName,
            Time = now,
            Index = place,
            Uuid = SmiValue.Text(Value(gpu, "uuid")),
            Name = SmiValue.Text(Value(gpu, "product_name")),
            PciBusId = SmiValue.BusId(Value(gpu, "pci", "pci_bus_id")) ?? SmiValue.BusId(gpu.Attribute("id")?.Value),
            DriverVersion = SmiValue.Text(Value(log, "driver_version")),
            CudaVersion = SmiValue.Text(Value(log, "cuda_version")),
            MemoryTotalBytes = SmiValue.Bytes(Value(memory, "total")),
            MemoryUsedBytes = SmiValue.Bytes(Value(memory, "used")),
            MemoryFreeBytes = SmiValue.Bytes(Value(memory, "free")),
            MemoryReservedBytes = SmiValue.Bytes(Value(memory, "reserved")),
            UtilizationPercent = SmiValue.Whole(Value(utilization, "gpu_util")),
            MemoryUtilizationPercent = SmiValue.Whole(Value(utilization, "memory_util")),
            EncoderUtilizationPercent = SmiValue.Whole(Value(utilization, "encoder_util")),
            DecoderUtilizationPercent = SmiValue.Whole(Value(utilization, "decoder_util")),
            TemperatureCelsius = SmiValue.Whole(Value(temperature, "gpu_temp")),
            MemoryTemperatureCelsius = SmiValue.Whole(Value(temperature, "memory_temp")),
            TemperatureSlowdownCelsius = SmiValue.Whole(Value(temperature, "gpu_temp_slow_threshold")),
            TemperatureShutdownCelsius = SmiValue.Whole(Value(temperature, "gpu_temp_max_threshold")),
            FanPercent = SmiValue.Whole(Value(gpu, "fan_speed")),
            PowerWatts = SmiValue.Number(Value(power, "instant_power_draw")) ?? SmiValue.Number(Value(power, "power_draw")) ?? SmiValue.Number(Value(power, "average_power_draw")),
            PowerLimitWatts = SmiValue.Number(Value(power, "enforced_power_limit")) ?? SmiValue.Number(Value(power, "current_power_limit")) ?? SmiValue.Number(Value(power, "power_limit")),
            GraphicsClockMegahertz = SmiValue.Whole(Value(gpu, "clocks", "graphics_clock")),
            SmClockMegahertz = SmiValue.Whole(Value(gpu, "clocks", "sm_clock")),
            MemoryClockMegahertz = SmiValue.Whole(Value(gpu, "clocks", "mem_clock")),
            SmClockMaxMegahertz = SmiValue.Whole(Value(gpu, "max_clocks", "sm_clock")),
            ThrottleReasons = Reasons(reasons),
            PerformanceState = SmiValue.Text(Value(gpu, "performance_state")),
            IsEccEnabled = SmiValue.Truth(Value(gpu, "ecc_mode", "current_ecc")),
            EccCorrectedVolatile = Ecc(gpu, "volatile", "single_bit", "correctable"),
            EccUncorrectedVolatile = Ecc(gpu, "volatile", "double_bit", "uncorrectable"),
            EccCorrectedAggregate = Ecc(gpu, "aggregate", "single_bit", "correctable"),
            EccUncorrectedAggregate = Ecc(gpu, "aggregate", "double_bit", "uncorrectable"),
            RetiredPagesSingleBit = SmiValue.Whole(Value(gpu, "retired_pages", "multiple_single_bit_retirement", "retired_count")),
            RetiredPagesDoubleBit = SmiValue.Whole(Value(gpu, "retired_pages", "double_bit_retirement", "retired_count")),
            IsRetirementPending = SmiValue.Truth(Value(gpu, "retired_pages", "pending_blacklist") ?? Value(gpu, "retired_pages", "pending_retirement")),
            RemappedRowsCorrectable = SmiValue.Whole(Value(rows, "remapped_row_corr")),
            RemappedRowsUncorrectable = SmiValue.Whole(Value(rows, "remapped_row_unc")),
            IsRemappingPending = SmiValue.Truth(Value(rows, "remapped_row_pending")),
            HasRemappingFailed = SmiValue.Truth(Value(rows, "remapped_row_failure")),
            PcieGeneration = SmiValue.Whole(Value(link, "pcie_gen", "current_link_gen")),
            PcieWidth = SmiValue.Whole(Value(link, "link_widths", "current_link_width")?.TrimEnd('x')),
            PcieTransmitBytesPerSecond = SmiValue.Count(Value(gpu, "pci", "tx_util")) * 1024,
            PcieReceiveBytesPerSecond = SmiValue.Count(Value(gpu, "pci", "rx_util")) * 1024,
            IsMigEnabled = mig,
            MigDevices = mig == true ? [.. (gpu.Element("mig_devices")?.Elements("mig_device") ?? []).Select(Mig)] : null,
            Processes = describe is null ? null : Processes(gpu, describe),
            IsConnected = !lost,
            StaleSince = lost ? now : null,
            Error = lost ? $"nvidia-smi of {computerName} says that this GPU is lost." : null,
        };
    }

    private static string? Value(XElement? parent, params ReadOnlySpan<string> path)
    {
        foreach (string name in path)
            parent = parent?.Element(name);
        return parent?.Value;
    }

    private static long? Ecc(XElement gpu, string counter, string oldName, string newName)
    {
        XElement? errors = gpu.Element("ecc_errors")?.Element(counter);
        if (errors is null)
            return null;
        // Until 430 a total for each kind; after it a count for each memory, named sram_… and dram_….
        if (SmiValue.Count(Value(errors, oldName, "total")) is { } total)
            return total;
        long?[] counts = [.. errors.Elements()
            .Where(element => element.Name.LocalName.Split('_') is [_, var kind, ..] && kind == newName)
            .Select(element => SmiValue.Count(element.Value))];
        return counts.Any(count => count is not null) ? counts.Sum() : null;
    }

    // Where the driver does not tell, N/A stands in place of all of them, or of each.
    private static string? Reasons(XElement? reasons)
    {
        XElement[] told = [.. reasons?.Elements().Where(reason => SmiValue.Truth(reason.Value) is not null) ?? []];
        return told.Length == 0 ? null : string.Join(", ", told.Where(reason => SmiValue.Truth(reason.Value) == true).Select(reason => ReasonName(reason.Name.LocalName)));
    }

    private static string ReasonName(string element)
    {
        // clocks_event_reason_gpu_idle, clocks_throttle_reason_gpu_idle: the same names as NVML's.
        string name = element[(element.IndexOf("_reason_", StringComparison.Ordinal) + "_reason_".Length)..];
        return name switch
        {
            "gpu_idle" => "Idle",
            "applications_clocks_setting" => "ApplicationClocks",
            "hw_power_brake_slowdown" => "HwPowerBrake",
            "display_clocks_setting" or "display_clock_setting" => "DisplayClocks",
            _ => string.Concat(name.Split('_').Select(word => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(word))),
        };
    }

    private static MigDevice Mig(XElement mig, int index) => new()
    {
        Index = SmiValue.Whole(Value(mig, "index")) ?? index,
        Uuid = SmiValue.Text(Value(mig, "uuid")),
        GpuInstanceId = SmiValue.Whole(Value(mig, "gpu_instance_id")),
        ComputeInstanceId = SmiValue.Whole(Value(mig, "compute_instance_id")),
        MemoryTotalBytes = SmiValue.Bytes(Value(mig, "fb_memory_usage", "total")),
        MemoryUsedBytes = SmiValue.Bytes(Value(mig, "fb_memory_usage", "used")),
        MemoryFreeBytes = SmiValue.Bytes(Value(mig, "fb_memory_usage", "free")),
    };

    private static List<GpuProcess>? Processes(XElement gpu, Func<int, HostProcess?> describe)
    {
        if (gpu.Element("processes") is not { } list || (!list.HasElements && SmiValue.Text(list.Value) is null && list.Value.Trim().Length > 0))
            return null;
        var processes = new List<GpuProcess>();
        foreach (XElement info in list.Elements("process_info"))
        {
            if (SmiValue.Whole(Value(info, "pid")) is not { } processId)
                continue;
            HostProcess? process = describe(processId);
            processes.Add(new GpuProcess
            {
                ProcessId = processId,
                Type = Value(info, "type")?.Trim() == "G" ? "Graphics" : "Compute",
                MemoryUsedBytes = SmiValue.Bytes(Value(info, "used_memory")),
                GpuInstanceId = SmiValue.Whole(Value(info, "gpu_instance_id")),
                User = process?.User,
                Command = process?.Command ?? ProcessNameOf(info),
                StartTime = process?.StartTime,
            });
        }

        return processes;
    }

    // A process may be called by any of the words that elsewhere say that there is no value.
    private static string? ProcessNameOf(XElement info) =>
        Value(info, "process_name")?.Trim() is { Length: > 0 } name and not ("N/A" or "[Not Found]" or "[Insufficient Permissions]") ? name : null;

    [GeneratedRegex(@"(?<=<process_name>).*?(?=</process_name>\s*<used_memory>)", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex ProcessName();

    [GeneratedRegex("&(?!(lt|gt|amp|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)", RegexOptions.CultureInvariant)]
    private static partial Regex BareAmpersand();
}
