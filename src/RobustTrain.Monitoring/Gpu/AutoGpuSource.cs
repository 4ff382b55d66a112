using RobustTrain.Monitoring.Gpu.NvidiaSmi;
using RobustTrain.Monitoring.Gpu.Nvml;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Gpu;

/// <summary>NVML, or <c>nvidia-smi</c> on a host where only that works; which one shows in <see cref="Name"/>.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="guard">Ends child processes with this process.</param>
internal sealed class AutoGpuSource(string computerName, MonitorOptions options, ChildGuard guard) : ISampleSource<GpuSnapshot>
{
    private volatile ISampleSource<GpuSnapshot> chosen = new NvmlSource(computerName, options);

    public string Name => chosen.Name;

    public GpuSnapshot Sample(SampleDetail detail)
    {
        try
        {
            return chosen.Sample(detail);
        }
        catch (NvmlException failure) when (failure.IsAbsence && NvidiaSmiSource.Find() is not null)
        {
            chosen.Dispose();
            chosen = new NvidiaSmiSource(computerName, options, guard);
            return chosen.Sample(SampleDetail.Full);
        }
    }

    public void Interrupt() => chosen.Interrupt();

    public void Dispose() => chosen.Dispose();
}
