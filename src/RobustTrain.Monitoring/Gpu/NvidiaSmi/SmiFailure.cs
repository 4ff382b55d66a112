using System.Text.RegularExpressions;

namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>What <c>nvidia-smi</c> says where its output is no data.</summary>
/// <param name="ErrorId">A stable id.</param>
/// <param name="Text">Its own words, or ours.</param>
/// <param name="IsAboutOneGpu">Whether the other GPUs can still be read.</param>
/// <param name="PciBusId">The GPU that it is about, where it is about one and names it.</param>
internal sealed partial record SmiFailure(string ErrorId, string Text, bool IsAboutOneGpu = false, string? PciBusId = null)
{
    /// <summary>The failure that a line tells of; null where it tells of none.</summary>
    public static SmiFailure? Of(string line) => line.Trim() switch
    {
        var t when t.StartsWith("No devices were found", StringComparison.OrdinalIgnoreCase) => new("NoGpu", "found no GPU"),
        var t when t.StartsWith("NVIDIA-SMI has failed", StringComparison.OrdinalIgnoreCase) => new("NvidiaDriverNotLoaded", "could not reach the NVIDIA driver"),
        var t when t.StartsWith("Failed to initialize NVML", StringComparison.OrdinalIgnoreCase) => new("NvmlFailed", t),
        var t when t.StartsWith("Unable to determine the device handle", StringComparison.OrdinalIgnoreCase) => new("GpuLost", t, IsAboutOneGpu: true, SmiValue.BusId(BusId().Match(t).Value)),
        var t when t.StartsWith("Field \"", StringComparison.OrdinalIgnoreCase) => new("NvidiaSmiTooOld", $"does not know the query: {t}"),
        _ => null,
    };

    /// <summary>The failure as an exception.</summary>
    public MonitorException ToException(string computerName) => new(ErrorId, Sentence(computerName), computerName);

    /// <summary>The failure as a sentence.</summary>
    public string Sentence(string computerName) => $"nvidia-smi of {computerName}: {Text.TrimEnd('.')}.";

    [GeneratedRegex("[0-9A-F]{4,8}:[0-9A-F]{2}:[0-9A-F]{2}\\.[0-9A-F]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BusId();
}
