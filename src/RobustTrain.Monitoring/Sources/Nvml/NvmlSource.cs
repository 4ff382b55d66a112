using RobustTrain.Monitoring.Sources.Local;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Nvml;

/// <summary>The GPUs of this host by NVML.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="libraryPath">The library; null for the driver's.</param>
public sealed class NvmlSource(string computerName, MonitorOptions options, string? libraryPath = null) : ISampleSource<GpuSnapshot>
{
    private readonly IProcessTable? _processes = options.IncludeProcesses ? LocalProcesses.Table(options.TimeProvider) : null;
    private NvmlSession? _session;
    private volatile bool _interrupted;

    /// <inheritdoc/>
    public string Name => "NVML";

    /// <inheritdoc/>
    /// <exception cref="NvmlException">NVML is missing or does not work.</exception>
    public GpuSnapshot Sample(SampleDetail detail)
    {
        try
        {
            return Read(detail);
        }
        finally
        {
            // Taken back at the end and not at the beginning, so that an interrupt that comes just before a sample still counts for it.
            _interrupted = false;
        }
    }

    /// <summary>Ends a running sample after the call that it is in: that one cannot be interrupted.</summary>
    public void Interrupt() => _interrupted = true;

    /// <inheritdoc/>
    public void Dispose() => Close();

    private GpuSnapshot Read(SampleDetail detail)
    {
        if (_session is not null && detail == SampleDetail.Full && _session.CountDevices() != _session.Devices.Count)
            Close();
        if (_session is null)
        {
            _session = NvmlSession.Open(computerName, libraryPath);
            detail = SampleDetail.Full;
        }
        else if (detail == SampleDetail.Full)
        {
            _session.FindUnreachable(computerName);
        }

        TimeProvider clock = options.TimeProvider;
        DateTimeOffset now = clock.GetUtcNow();
        _session.CollectXids(now);
        var gpus = new GpuStatus[_session.Devices.Count];
        bool reopen = false;
        for (int index = 0; index < gpus.Length; index++)
        {
            gpus[index] = _session.Devices[index].Read(detail, _processes, options, ThrowIfInterrupted);
            reopen |= _session.Devices[index].NeedsReopen;
        }

        if (detail == SampleDetail.Full)
            NameDevices(gpus, _session.Devices);
        if (reopen)
            Close();
        return new GpuSnapshot(computerName, now, gpus);
    }

    // The variable may change while a shell runs.
    private static void NameDevices(GpuStatus[] gpus, IReadOnlyList<NvmlDevice> devices)
    {
        CudaVisibleDevices.OfThisProcess().Name(gpus).CopyTo(gpus, 0);
        for (int index = 0; index < gpus.Length; index++)
            devices[index].Remember(gpus[index]);
    }

    private void ThrowIfInterrupted()
    {
        if (_interrupted)
            throw new NvmlException("NvmlInterrupted", "The sample was given up.", NvmlReturn.Success);
    }

    private void Close()
    {
        _session?.Dispose();
        _session = null;
    }
}
