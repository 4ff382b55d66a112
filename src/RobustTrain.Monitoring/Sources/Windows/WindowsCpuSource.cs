using System.ComponentModel;
using System.Runtime.Versioning;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Windows;

/// <summary>Windows' CPU and memory, from the kernel's own counters. Windows keeps no load average: those are null, and the tasks are threads.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
[SupportedOSPlatform("windows")]
public sealed class WindowsCpuSource(string computerName, MonitorOptions options) : ISampleSource<CpuStatus>
{
    private readonly WindowsProcessTable? _table = options.IncludeProcesses ? new WindowsProcessTable(options.TimeProvider) : null;
    private CpuTimes? _before;
    private CpuTimes[] _coresBefore = [];
    private (int Runnable, int Total)? _threads;
    private IReadOnlyList<HostProcess>? _processes;

    /// <inheritdoc/>
    public string Name => "Windows counters";

    /// <inheritdoc/>
    public CpuStatus Sample(SampleDetail detail)
    {
        CpuTimes times = Told(() => Of(WindowsCounters.CpuTimes()));
        CpuShares? shares = _before is { } earlier ? times.Since(earlier) : null;
        _before = times;
        (long Total, long Available, long CommitLimit)? memory = WindowsCounters.Memory();
        if (detail == SampleDetail.Full || _threads is null)
            ReadProcesses();
        return new CpuStatus
        {
            ComputerName = computerName,
            Time = options.TimeProvider.GetUtcNow(),
            LogicalCores = Environment.ProcessorCount,
            UtilizationPercent = shares?.Utilization,
            UserPercent = shares?.User,
            SystemPercent = shares?.System,
            RunnableTasks = _threads?.Runnable,
            TotalTasks = _threads?.Total,
            MemoryTotalBytes = memory?.Total,
            MemoryAvailableBytes = memory?.Available,
            MemoryUsedBytes = memory?.Total - memory?.Available,

            SwapTotalBytes = memory?.CommitLimit - memory?.Total,
            Cores = options.IncludeCores ? ReadCores() : null,
            Processes = _processes,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private CoreStatus[] ReadCores()
    {
        CpuTimes[] now = [.. Told(WindowsCounters.CoreTimes).Select(Of)];
        CpuTimes[] before = _coresBefore;
        _coresBefore = now;
        return [.. now.Select((core, index) => new CoreStatus(index, index < before.Length ? core.Since(before[index])?.Utilization : null))];
    }

    private void ReadProcesses()
    {
        IReadOnlyList<WindowsProcess> processes = WindowsProcessTable.ReadAll();

        // The threads of the process 0 are the idle time of the processors.
        _threads = (processes.Where(process => process.Id != 0).Sum(process => process.RunnableThreads), processes.Where(process => process.Id != 0).Sum(process => process.Threads));
        _processes = _table?.List(processes);
    }

    // The kernel's time includes the idle one.
    private static CpuTimes Of((long Idle, long Kernel, long User) times) => new((ulong)times.User, (ulong)(times.Kernel - times.Idle), (ulong)times.Idle, 0, 0);

    private static T Told<T>(Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("CountersFailed", $"Windows did not tell the CPU's times: {failure.Message}", innerException: failure);
        }
    }
}
