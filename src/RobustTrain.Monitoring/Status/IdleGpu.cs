using System.Globalization;

namespace RobustTrain.Monitoring.Status;

/// <summary>
/// When a GPU counts as idle, so that a training can be given to it. What is not known counts as used: of a GPU that is lost, or whose driver
/// does not tell a value, nobody can say that it is free.
/// </summary>
public sealed record IdleGpu
{
    /// <summary>Its utilisation must be below this, in percent.</summary>
    public double UtilizationBelow { get; init; } = 50;

    /// <summary>So much memory must be free, in bytes; null asks for half of the GPU's memory.</summary>
    public long? MemoryFreeBytes { get; init; }

    /// <summary>Whether the GPU must be one that a training of this process can use, which those that CUDA_VISIBLE_DEVICES leaves out are not.</summary>
    public bool IsDeviceNeeded { get; init; }

    /// <summary>Why a GPU is not idle, as a clause; null where it is.</summary>
    public string? WhyNot(GpuStatus gpu)
    {
        long? needed = MemoryFreeBytes ?? gpu.MemoryTotalBytes / 2;
        return !gpu.IsConnected ? "is not connected"
            : IsDeviceNeeded && gpu.Device is null ? "is no device under CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER"
            : gpu.UtilizationPercent is not { } utilization ? "does not tell its utilisation"
            : gpu.MemoryFreeBytes is not { } free || needed is not { } least ? "does not tell its free memory"
            : utilization >= UtilizationBelow ? string.Create(CultureInfo.InvariantCulture, $"is used at {utilization} %")
            : free < least ? string.Create(CultureInfo.InvariantCulture, $"has {free / (double)(1L << 30):0.#} GiB free")
            : null;
    }

    /// <summary>Idle GPUs, the one with the most free memory first; of equals the one that is used least, then the one of the lowest index.</summary>
    public static IReadOnlyList<GpuStatus> Order(IEnumerable<GpuStatus> idle) =>
        [.. idle.OrderByDescending(gpu => gpu.MemoryFreeBytes).ThenBy(gpu => gpu.UtilizationPercent).ThenBy(gpu => gpu.Index)];
}
