using System.Diagnostics;

namespace RobustTrain.Cmdlets.Processes;

/// <summary>
/// Makes CUDA number the devices as NVML and nvidia-smi do, by the PCI bus, and not the fastest first: the GPU that Get-GpuStatus names is then
/// the one that the trainer uses. Where the operator has said otherwise, that holds.
/// </summary>
internal static class CudaDeviceOrder
{
    private const string Variable = "CUDA_DEVICE_ORDER";

    /// <summary>Sets the order for a program that is about to start.</summary>
    public static void Apply(ProcessStartInfo start) => start.Environment.TryAdd(Variable, "PCI_BUS_ID");
}
