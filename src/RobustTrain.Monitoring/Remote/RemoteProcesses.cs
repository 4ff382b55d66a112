using System.Globalization;
using RobustTrain.Monitoring.Gpu.NvidiaSmi;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Remote;

/// <summary>Another host's processes, and from the second list on the share of a core that each has used since the one before.</summary>
/// <param name="clock">The clock.</param>
internal sealed class RemoteProcesses(TimeProvider clock)
{
    private readonly Dictionary<int, HostProcess> processes = [];
    private Dictionary<int, (long Start, long Ticks)> before = [];
    private Dictionary<int, (long Start, long Ticks)> now = [];
    private long? listed;

    /// <summary>Begins with a new list.</summary>
    public void Begin()
    {
        processes.Clear();
        (before, now) = (now, before);
        now.Clear();
    }

    /// <summary>Takes a line of ps: pid, seconds since its start, user, resident KiB, state, command.</summary>
    public void TakePs(string line)
    {
        string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length < 6 || SmiValue.Whole(words[0]) is not { } processId || SmiValue.Number(words[1]) is not { } age)
            return;

        processes[processId] = new HostProcess
        {
            ProcessId = processId,
            User = words[2],
            Name = words[5].Split(' ')[0].Split('/')[^1],
            Command = words[5],
            StartTime = clock.GetUtcNow() - TimeSpan.FromSeconds(age),
            MemoryBytes = SmiValue.Count(words[3]) * 1024,
            State = words[4],
        };
    }

    /// <summary>Takes a process' line of <c>/proc/PID/stat</c>, whose CPU time is finer than ps'.</summary>
    public void TakeStat(string line)
    {
        int blank = line.IndexOf(' ', StringComparison.Ordinal);
        if (blank > 0 && int.TryParse(line.AsSpan(0, blank), NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            && ProcessTable.ParseStat(line) is { } stat)
        {
            now[processId] = (stat.StartTicks, stat.CpuTicks);
        }
    }

    /// <summary>One of the last list; null where it was not in it.</summary>
    public HostProcess? Find(int processId) => processes.GetValueOrDefault(processId);

    /// <summary>The last list, complete now.</summary>
    public List<HostProcess> ToList()
    {
        long time = clock.GetTimestamp();
        double seconds = listed is { } last ? clock.GetElapsedTime(last, time).TotalSeconds : 0;
        listed = time;
        return [.. processes.Values.Select(process => process with { CpuPercent = CpuPercent(process.ProcessId, seconds) })];
    }

    private double? CpuPercent(int processId, double seconds) =>
        seconds > 0 && now.TryGetValue(processId, out (long Start, long Ticks) last) && before.TryGetValue(processId, out (long Start, long Ticks) first) && first.Start == last.Start
            ? (last.Ticks - first.Ticks) / ProcessTable.TicksPerSecond / seconds * 100
            : null;
}
