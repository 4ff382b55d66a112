using System.ComponentModel;
using System.Runtime.Versioning;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Windows;

/// <summary>Windows' processes. Used from one thread.</summary>
/// <param name="clock">The clock.</param>
[SupportedOSPlatform("windows")]
internal sealed class WindowsProcessTable(TimeProvider clock) : IProcessTable
{
    // The end of the year 9999.
    private const long LastFileTime = 2_650_467_743_999_999_999;

    // By id and start: neither changes while a process lives, and each costs a handle to ask for.
    private Dictionary<(int Id, long Start), (string? User, string? Command, TimeSpan CpuTime)> _known = [];
    private long _lastList;

    /// <inheritdoc/>
    public HostProcess? Find(int processId)
    {
        WindowsProcess found = WindowsProcesses.List().FirstOrDefault(process => process.Id == processId);
        return found.Name is null ? null : Describe(found, WindowsProcesses.UserOf(processId), WindowsProcesses.CommandOf(processId), null);
    }

    /// <summary>The processes of a reading, but for the idle time, which Windows counts as one.</summary>
    public List<HostProcess> List(IReadOnlyList<WindowsProcess> reading)
    {
        long now = clock.GetTimestamp();
        double seconds = _lastList == 0 ? 0 : clock.GetElapsedTime(_lastList, now).TotalSeconds;
        _lastList = now;
        Dictionary<(int, long), (string?, string?, TimeSpan)> known = new(reading.Count);
        List<HostProcess> processes = new(reading.Count);
        foreach (WindowsProcess process in reading)
        {
            if (process.Id == 0)
                continue;
            bool isKnown = _known.TryGetValue((process.Id, process.Start), out (string? User, string? Command, TimeSpan CpuTime) before);
            if (!isKnown)
                before = (WindowsProcesses.UserOf(process.Id), WindowsProcesses.CommandOf(process.Id), process.CpuTime);
            known[(process.Id, process.Start)] = (before.User, before.Command, process.CpuTime);
            double? percent = isKnown && seconds > 0 ? (process.CpuTime - before.CpuTime).TotalSeconds / seconds * 100 : null;
            processes.Add(Describe(process, before.User, before.Command, percent));
        }

        _known = known;
        return processes;
    }

    /// <summary>What Windows tells of all processes at once.</summary>
    /// <exception cref="MonitorException">It does not.</exception>
    public static IReadOnlyList<WindowsProcess> ReadAll()
    {
        try
        {
            return WindowsProcesses.List();
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("CountersFailed", failure.Message, innerException: failure);
        }
    }

    private static HostProcess Describe(WindowsProcess process, string? user, string? command, double? percent) => new()
    {
        ProcessId = process.Id,
        Name = process.Name,
        User = user,
        Command = command,
        StartTime = process.Start is <= 0 or > LastFileTime ? null : DateTimeOffset.FromFileTime(process.Start).ToUniversalTime(),
        MemoryBytes = process.MemoryBytes,
        CpuPercent = percent,
    };
}
