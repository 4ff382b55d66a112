using RobustTrain.Monitoring.Gpu.NvidiaSmi;
using RobustTrain.Monitoring.Gpu.Nvml;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Gpu;

/// <summary>NVML, or <c>nvidia-smi</c> on a host where only that works; which one shows in <see cref="Name"/>.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="guard">Ends child processes with this process.</param>
internal sealed class AutoGpuSource(string computerName, MonitorOptions options, ChildGuard guard) : ISampleSource<GpuSnapshot>
{
    // A driver does not appear often, and looking for it at every tick costs more than reading it would.
    private static readonly TimeSpan SearchAgain = TimeSpan.FromSeconds(30);

    private volatile ISampleSource<GpuSnapshot> chosen = new NvmlSource(computerName, options);
    private NvmlException? absence;
    private long searched;

    public string Name => chosen.Name;

    public GpuSnapshot Sample(SampleDetail detail)
    {
        if (absence is not null && options.TimeProvider.GetElapsedTime(searched) < SearchAgain)
            throw absence;

        try
        {
            absence = null;
            return chosen.Sample(detail);
        }
        catch (NvmlException failure) when (failure.IsAbsence)
        {
            if (NvidiaSmiSource.Find() is null)
            {
                absence = failure;
                searched = options.TimeProvider.GetTimestamp();
                throw;
            }

            chosen.Dispose();
            chosen = new NvidiaSmiSource(computerName, options, guard);
            return chosen.Sample(SampleDetail.Full);
        }
    }

    public void Interrupt() => chosen.Interrupt();

    public void Dispose() => chosen.Dispose();
}
