using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Proc;

/// <summary>Linux' CPU and memory, from <c>/proc</c>; the files stay open between samples.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="root">The root of the file system, <c>/</c> but for tests.</param>
public sealed class ProcCpuSource(string computerName, MonitorOptions options, string root = "/") : ISampleSource<CpuStatus>
{
    private readonly ProcReading _reading = new(options.IncludeCores);
    private readonly Cgroup _cgroup = new(root);
    private readonly ProcessTable? _processTable = options.IncludeProcesses ? new ProcessTable(root, options.TimeProvider) : null;
    private ProcFile? _stat, _load, _memory, _cpuPressure, _memoryPressure, _ioPressure;
    private (double? CpuCores, long? MemoryLimit, long? MemoryUsed) _limits;
    private IReadOnlyList<HostProcess>? _processes;
    private bool _isOpen;

    /// <inheritdoc/>
    public string Name => "/proc";

    /// <inheritdoc/>
    public CpuStatus Sample(SampleDetail detail)
    {
        if (!_isOpen)
        {
            Open();
            detail = SampleDetail.Full;
        }

        _reading.Begin();
        _reading.Stat(_stat!.Read());
        _reading.LoadAverage(_load is null ? default : _load.Read());
        _reading.Memory(_memory is null ? default : _memory.Read());
        _reading.CpuPressure(_cpuPressure is null ? default : _cpuPressure.Read());
        _reading.MemoryPressure(_memoryPressure is null ? default : _memoryPressure.Read());
        _reading.IoPressure(_ioPressure is null ? default : _ioPressure.Read());
        if (detail == SampleDetail.Full)
        {
            _limits = _cgroup.Read();
            _processes = _processTable?.List();
        }

        return _reading.ToStatus(computerName, options.TimeProvider.GetUtcNow()) with
        {
            CgroupCpuLimitCores = _limits.CpuCores,
            CgroupMemoryLimitBytes = _limits.MemoryLimit,
            CgroupMemoryUsedBytes = _limits.MemoryUsed,
            Processes = _processes,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ProcFile? file in (ProcFile?[])[_stat, _load, _memory, _cpuPressure, _memoryPressure, _ioPressure])
            file?.Dispose();
        _cgroup.Dispose();
    }

    private void Open()
    {
        string proc = Path.Combine(root, "proc");
        _stat = ProcFile.TryOpen(Path.Combine(proc, "stat"))
            ?? throw new MonitorException("ProcNotFound", $"{proc}/stat cannot be read: the CPU of this host cannot be watched without /proc.", proc);
        _load = ProcFile.TryOpen(Path.Combine(proc, "loadavg"));
        _memory = ProcFile.TryOpen(Path.Combine(proc, "meminfo"));
        _cpuPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/cpu"));
        _memoryPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/memory"));
        _ioPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/io"));
        _isOpen = true;
    }
}
