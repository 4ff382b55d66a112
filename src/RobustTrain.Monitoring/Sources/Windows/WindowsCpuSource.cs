using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Windows;

/// <summary>Windows' CPU and memory, from the kernel's own counters. Untested: no Windows machine was at hand when it was written.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
[SupportedOSPlatform("windows")]
public sealed class WindowsCpuSource(string computerName, MonitorOptions options) : ISampleSource<CpuStatus>
{
    private CpuTimes? _before;
    private IReadOnlyList<HostProcess>? _processes;

    /// <inheritdoc/>
    public string Name => "Windows counters";

    /// <inheritdoc/>
    public CpuStatus Sample(SampleDetail detail)
    {
        CpuTimes times = ReadTimes();
        CpuShares? shares = _before is { } earlier ? times.Since(earlier) : null;
        _before = times;
        (long Total, long Available, long CommitLimit)? memory = WindowsCounters.Memory();
        if (detail == SampleDetail.Full && options.IncludeProcesses)
            _processes = ListProcesses();
        return new CpuStatus
        {
            ComputerName = computerName,
            Time = options.TimeProvider.GetUtcNow(),
            LogicalCores = Environment.ProcessorCount,
            UtilizationPercent = shares?.Utilization,
            UserPercent = shares?.User,
            SystemPercent = shares?.System,
            MemoryTotalBytes = memory?.Total,
            MemoryAvailableBytes = memory?.Available,
            MemoryUsedBytes = memory?.Total - memory?.Available,

            SwapTotalBytes = memory?.CommitLimit - memory?.Total,
            Processes = _processes,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static CpuTimes ReadTimes()
    {
        try
        {
            (long idle, long kernel, long user) = WindowsCounters.CpuTimes();
            return new CpuTimes((ulong)user, (ulong)(kernel - idle), (ulong)idle, 0, 0);
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("CountersFailed", $"Windows did not tell the CPU's times: {failure.Message}", innerException: failure);
        }
    }

    private static List<HostProcess> ListProcesses()
    {
        var processes = new List<HostProcess>();
        foreach (Process process in Process.GetProcesses())
        {
            using (process)
                processes.Add(new HostProcess { ProcessId = process.Id, Name = process.ProcessName, MemoryBytes = process.WorkingSet64 });
        }

        return processes;
    }
}
