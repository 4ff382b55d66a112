namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>What <c>nvidia-smi</c> says where its output is no data.</summary>
/// <param name="ErrorId">A stable id.</param>
/// <param name="Text">Its own words, or ours.</param>
/// <param name="IsAboutOneGpu">Whether the other GPUs can still be read.</param>
internal sealed record SmiFailure(string ErrorId, string Text, bool IsAboutOneGpu = false)
{
    /// <summary>The failure that a line tells of; null where it tells of none.</summary>
    public static SmiFailure? Of(string line) => line.Trim() switch
    {
        var t when t.StartsWith("No devices were found", StringComparison.OrdinalIgnoreCase) => new("NoGpu", "found no GPU"),
        var t when t.StartsWith("NVIDIA-SMI has failed", StringComparison.OrdinalIgnoreCase) => new("NvidiaDriverNotLoaded", "could not reach the NVIDIA driver"),
        var t when t.StartsWith("Failed to initialize NVML", StringComparison.OrdinalIgnoreCase) => new("NvmlFailed", t),
        var t when t.StartsWith("Unable to determine the device handle", StringComparison.OrdinalIgnoreCase) => new("GpuLost", t, IsAboutOneGpu: true),
        var t when t.StartsWith("Field \"", StringComparison.OrdinalIgnoreCase) => new("NvidiaSmiTooOld", $"does not know the query: {t}"),
        _ => null,
    };

    /// <summary>The failure as an exception.</summary>
    public MonitorException ToException(string computerName) => new(ErrorId, $"nvidia-smi of {computerName}: {Text.TrimEnd('.')}.", computerName);
}
