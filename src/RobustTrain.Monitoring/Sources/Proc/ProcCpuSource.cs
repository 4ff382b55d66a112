using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Proc;

/// <summary>Linux' CPU and memory, from <c>/proc</c>; the files stay open between samples.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
/// <param name="root">The root of the file system, <c>/</c> but for tests.</param>
public sealed class ProcCpuSource(string computerName, MonitorOptions options, string root = "/") : ISampleSource<CpuStatus>
{
    private readonly ProcReading reading = new(options.IncludeCores);
    private readonly Cgroup cgroup = new(root);
    private readonly ProcessTable? processTable = options.IncludeProcesses ? new ProcessTable(root, options.TimeProvider) : null;
    private ProcFile? stat, load, memory, cpuPressure, memoryPressure, ioPressure;
    private (double? CpuCores, long? MemoryLimit, long? MemoryUsed) limits;
    private IReadOnlyList<HostProcess>? processes;
    private bool isOpen;

    /// <inheritdoc/>
    public string Name => "/proc";

    /// <inheritdoc/>
    public CpuStatus Sample(SampleDetail detail)
    {
        if (!isOpen)
        {
            Open();
            detail = SampleDetail.Full;
        }

        reading.Begin();
        reading.Stat(stat!.Read());
        reading.LoadAverage(load is null ? default : load.Read());
        reading.Memory(memory is null ? default : memory.Read());
        reading.CpuPressure(cpuPressure is null ? default : cpuPressure.Read());
        reading.MemoryPressure(memoryPressure is null ? default : memoryPressure.Read());
        reading.IoPressure(ioPressure is null ? default : ioPressure.Read());
        if (detail == SampleDetail.Full)
        {
            limits = cgroup.Read();
            processes = processTable?.List();
        }

        return reading.ToStatus(computerName, options.TimeProvider.GetUtcNow()) with
        {
            CgroupCpuLimitCores = limits.CpuCores,
            CgroupMemoryLimitBytes = limits.MemoryLimit,
            CgroupMemoryUsedBytes = limits.MemoryUsed,
            Processes = processes,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ProcFile? file in (ProcFile?[])[stat, load, memory, cpuPressure, memoryPressure, ioPressure])
            file?.Dispose();
        cgroup.Dispose();
    }

    private void Open()
    {
        string proc = Path.Combine(root, "proc");
        stat = ProcFile.TryOpen(Path.Combine(proc, "stat"))
            ?? throw new MonitorException("ProcNotFound", $"{proc}/stat cannot be read: the CPU of this host cannot be watched without /proc.", proc);
        load = ProcFile.TryOpen(Path.Combine(proc, "loadavg"));
        memory = ProcFile.TryOpen(Path.Combine(proc, "meminfo"));
        cpuPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/cpu"));
        memoryPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/memory"));
        ioPressure = ProcFile.TryOpen(Path.Combine(proc, "pressure/io"));
        isOpen = true;
    }
}
