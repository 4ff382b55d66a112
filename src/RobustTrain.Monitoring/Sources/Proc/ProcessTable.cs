using System.Globalization;
using System.Text;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Proc;

/// <summary>Linux' processes, from <c>/proc</c>. Used from one thread.</summary>
/// <param name="root">The root of the file system, <c>/</c> but for tests.</param>
/// <param name="clock">The clock.</param>
internal sealed class ProcessTable(string root, TimeProvider clock) : IProcessTable
{
    // USER_HZ is 100 on every architecture that .NET runs on (man 5 proc, sysconf(_SC_CLK_TCK)).
    internal const double TicksPerSecond = 100;

    private readonly string _proc = Path.Combine(root, "proc");
    private readonly Lazy<Dictionary<string, string>> _users = new(() => ReadUsers(Path.Combine(root, "etc/passwd")));
    private Dictionary<int, (long Start, long Ticks)> _before = [];
    private long _lastList;
    private DateTimeOffset? _boot;

    /// <inheritdoc/>
    public HostProcess? Find(int processId)
    {
        try
        {
            return Read(processId, static (_, _, _) => null)?.Process;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It ended while it was read.
            return null;
        }
    }

    /// <summary>All processes that have a command line (kernel threads have none).</summary>
    public IReadOnlyList<HostProcess> List()
    {
        long now = clock.GetTimestamp();
        double seconds = _lastList == 0 ? 0 : clock.GetElapsedTime(_lastList, now).TotalSeconds;
        _lastList = now;
        var ticksNow = new Dictionary<int, (long, long)>(_before.Count);
        var processes = new List<HostProcess>(_before.Count);
        foreach (string folder in Directory.EnumerateDirectories(_proc))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int processId))
                continue;
            try
            {
                if (Read(processId, (id, start, ticks) =>
                    {
                        ticksNow[id] = (start, ticks);
                        return seconds > 0 && _before.TryGetValue(id, out (long Start, long Ticks) earlier) && earlier.Start == start
                            ? (ticks - earlier.Ticks) / TicksPerSecond / seconds * 100
                            : null;
                    }) is { Process: { Command: not null } process })
                {
                    processes.Add(process);
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // It ended while it was read: it belongs to the list no more.
            }
        }

        _before = ticksNow;
        return processes;
    }

    /// <summary>What <c>/proc/PID/stat</c> tells; the name stands in parentheses and may hold spaces and parentheses itself.</summary>
    internal static (string Name, char State, long CpuTicks, long StartTicks, long ResidentPages)? ParseStat(string stat)
    {
        int open = stat.IndexOf('('), close = stat.LastIndexOf(')');
        if (open < 0 || close < open || close + 2 >= stat.Length)
            return null;
        // Fields are numbered from 1; the state is field 3.
        string[] fields = stat[(close + 2)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length >= 22
            && long.TryParse(fields[11], CultureInfo.InvariantCulture, out long user)
            && long.TryParse(fields[12], CultureInfo.InvariantCulture, out long system)
            && long.TryParse(fields[19], CultureInfo.InvariantCulture, out long start)
            && long.TryParse(fields[21], CultureInfo.InvariantCulture, out long pages)
            ? (stat[(open + 1)..close], fields[0][0], user + system, start, pages)
            : null;
    }

    private (HostProcess Process, long Start)? Read(int processId, Func<int, long, long, double?> cpuPercent)
    {
        string folder = Path.Combine(_proc, processId.ToString(CultureInfo.InvariantCulture));
        string statPath = Path.Combine(folder, "stat");
        if (!File.Exists(statPath) || ParseStat(File.ReadAllText(statPath)) is not { } stat)
            return null;
        string command = File.ReadAllText(Path.Combine(folder, "cmdline"), Encoding.UTF8).TrimEnd('\0').Replace('\0', ' ');
        return (new HostProcess
        {
            ProcessId = processId,
            Name = stat.Name,
            State = stat.State.ToString(),
            User = UserOf(folder),
            Command = command.Length > 0 ? command : null,
            StartTime = (_boot ??= ReadBootTime()) + TimeSpan.FromSeconds(stat.StartTicks / TicksPerSecond),
            MemoryBytes = stat.ResidentPages * Environment.SystemPageSize,
            CpuPercent = cpuPercent(processId, stat.StartTicks, stat.CpuTicks),
        }, stat.StartTicks);
    }

    private DateTimeOffset? ReadBootTime()
    {
        foreach (string line in File.ReadLines(Path.Combine(_proc, "stat")))
        {
            if (line.StartsWith("btime ", StringComparison.Ordinal))
                return DateTimeOffset.FromUnixTimeSeconds(long.Parse(line.AsSpan(6), CultureInfo.InvariantCulture));
        }

        return null;
    }

    private string? UserOf(string folder)
    {
        foreach (string line in File.ReadLines(Path.Combine(folder, "status")))
        {
            if (!line.StartsWith("Uid:", StringComparison.Ordinal))
                continue;
            // Real, effective, saved and file-system id; ps shows the effective one.
            string[] ids = line[4..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            return ids.Length < 2 ? null : _users.Value.GetValueOrDefault(ids[1], ids[1]);
        }

        return null;
    }

    private static Dictionary<string, string> ReadUsers(string path)
    {
        var users = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path))
            return users;
        foreach (string line in File.ReadLines(path))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2)
                users.TryAdd(fields[2], fields[0]);
        }

        return users;
    }
}
