using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Cpu;

/// <summary>Windows' CPU and memory, from the kernel's own counters. Untested: no Windows machine was at hand when it was written.</summary>
/// <param name="computerName">The host's name.</param>
/// <param name="options">How to sample.</param>
[SupportedOSPlatform("windows")]
public sealed partial class WindowsCpuSource(string computerName, MonitorOptions options) : ISampleSource<CpuStatus>
{
    private CpuTimes? before;
    private IReadOnlyList<HostProcess>? processes;

    /// <inheritdoc/>
    public string Name => "Windows counters";

    /// <inheritdoc/>
    public CpuStatus Sample(SampleDetail detail)
    {
        if (!GetSystemTimes(out long idle, out long kernel, out long user))
            throw new MonitorException("CountersFailed", $"Windows did not tell the CPU's times: {Marshal.GetLastPInvokeErrorMessage()}");

        // Kernel time includes idle time.
        var times = new CpuTimes((ulong)user, (ulong)(kernel - idle), (ulong)idle, 0, 0);
        CpuShares? shares = before is { } earlier ? times.Since(earlier) : null;
        before = times;
        var memory = new MemoryStatus { Length = (uint)Marshal.SizeOf<MemoryStatus>() };
        bool hasMemory = GlobalMemoryStatusEx(ref memory);
        if (detail == SampleDetail.Full && options.IncludeProcesses)
            processes = ListProcesses();

        return new CpuStatus
        {
            ComputerName = computerName,
            Time = options.TimeProvider.GetUtcNow(),
            LogicalCores = Environment.ProcessorCount,
            UtilizationPercent = shares?.Utilization,
            UserPercent = shares?.User,
            SystemPercent = shares?.System,
            MemoryTotalBytes = hasMemory ? (long)memory.TotalPhysical : null,
            MemoryAvailableBytes = hasMemory ? (long)memory.AvailablePhysical : null,
            MemoryUsedBytes = hasMemory ? (long)(memory.TotalPhysical - memory.AvailablePhysical) : null,

            // The commit limit is physical memory and page files together.
            SwapTotalBytes = hasMemory ? (long)(memory.TotalPageFile - memory.TotalPhysical) : null,
            Processes = processes,
        };
    }

    /// <summary>Does nothing: these counters answer at once.</summary>
    public void Interrupt()
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
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

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetSystemTimes(out long idle, out long kernel, out long user);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GlobalMemoryStatusEx(ref MemoryStatus status);

    private struct MemoryStatus
    {
        public uint Length;
        public uint Load;
        public ulong TotalPhysical;
        public ulong AvailablePhysical;
        public ulong TotalPageFile;
        public ulong AvailablePageFile;
        public ulong TotalVirtual;
        public ulong AvailableVirtual;
        public ulong AvailableExtendedVirtual;
    }
}
