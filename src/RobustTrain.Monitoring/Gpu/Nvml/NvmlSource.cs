using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Gpu.Nvml;

/// <summary>The GPUs of this host by NVML.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="libraryPath">The library; null for the driver's.</param>
public sealed class NvmlSource(string computerName, MonitorOptions options, string? libraryPath = null) : ISampleSource<GpuSnapshot>
{
    private readonly ProcessTable? processes = options.IncludeProcesses ? new ProcessTable("/", options.TimeProvider) : null;
    private NvmlSession? session;

    /// <inheritdoc/>
    public string Name => "NVML";

    /// <inheritdoc/>
    /// <exception cref="NvmlException">NVML is missing or does not work.</exception>
    public GpuSnapshot Sample(SampleDetail detail)
    {
        if (session is not null && detail == SampleDetail.Full && session.CountDevices() != session.Devices.Count)
            Close();

        if (session is null)
        {
            session = NvmlSession.Open(computerName, libraryPath);
            detail = SampleDetail.Full;
        }

        TimeProvider clock = options.TimeProvider;
        DateTimeOffset now = clock.GetUtcNow();
        session.CollectXids(now);
        var gpus = new GpuStatus[session.Devices.Count];
        bool reopen = false;
        for (int index = 0; index < gpus.Length; index++)
        {
            gpus[index] = session.Devices[index].Read(detail, processes, options);
            reopen |= session.Devices[index].NeedsReopen;
        }

        if (reopen)
            Close();

        return new GpuSnapshot(computerName, now, gpus);
    }

    /// <summary>Does nothing: a call into the driver cannot be interrupted.</summary>
    public void Interrupt()
    {
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private void Close()
    {
        session?.Dispose();
        session = null;
    }
}
