using System.Collections;
using Microsoft.Win32;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>Completes by this host's GPUs; offers nothing where they cannot be read at once.</summary>
public abstract class GpuCompleter : ListCompleter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        if (bound.Contains("ComputerName"))
            return [];

        try
        {
            GpuSourceSpec source = bound["Source"] is { } text ? GpuSourceSpec.Parse(text.ToString()!) : GpuSourceSpec.Auto;
            StatusReader reader = RunspaceReader.OfCurrentRunspace();
            var options = new MonitorOptions { Timeout = Patience, IncludeThroughput = false };
            IReadOnlyList<GpuStatus> gpus = reader.ReadGpusAsync(source, options, CancellationToken.None).GetAwaiter().GetResult();
            return gpus.Select(Candidate).DistinctBy(candidate => candidate.Value);
        }
        catch (Exception failure) when (failure is MonitorException or FormatException)
        {
            // A key press is no place for errors; the cmdlet itself will say what is wrong.
            return [];
        }
    }

    private protected abstract (string Value, string Meaning) Candidate(GpuStatus gpu);
}

/// <summary>The indices of this host's GPUs.</summary>
public sealed class GpuIndexCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => ($"{gpu.Index}", $"{gpu.Name}, {gpu.MemoryFreeBytes >> 30} GiB free");
}

/// <summary>The product names of this host's GPUs.</summary>
public sealed class GpuNameCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => (gpu.Name ?? "", gpu.Name ?? "");
}

/// <summary>The UUIDs of this host's GPUs.</summary>
public sealed class GpuUuidCompleter : GpuCompleter
{
    private protected override (string Value, string Meaning) Candidate(GpuStatus gpu) => (gpu.Uuid ?? "", $"GPU {gpu.Index}: {gpu.Name}");
}

/// <summary>The sources of GPUs.</summary>
public sealed class GpuSourceCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        GpuSourceSpec.Known.Select(source => (source, source));
}

/// <summary>The devices that a training can run on here.</summary>
public sealed class DeviceCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        [("auto", "The first CUDA device, else the CPU."), ("cpu", "The CPU."), ("cuda", "The current CUDA device."), .. CudaDevices()];

    // The driver's own list; asking the driver itself could hang a prompt.
    private static IEnumerable<(string Device, string Meaning)> CudaDevices()
    {
        return Enumerable.Range(0, CudaVisibleDevices.OfThisProcess().Count(CountGpus())).Select(device => ($"cuda:{device}", "A CUDA device; Get-GpuStatus tells which GPU it is."));
    }

    private static int CountGpus()
    {
        if (OperatingSystem.IsWindows())
            return Registry.GetValue(@"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\nvlddmkm\Enum", "Count", 0) as int? ?? 0;
        const string gpus = "/proc/driver/nvidia/gpus";
        return Directory.Exists(gpus) ? Directory.GetDirectories(gpus).Length : 0;
    }
}
