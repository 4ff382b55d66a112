using System.Globalization;
using System.Text;
using RobustTrain.Monitoring.Sources.NvidiaSmi;
using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>Takes the lines of one host's answers apart and makes statuses of them. Kept from tick to tick.</summary>
internal sealed class RemoteReply(string computerName, MonitorKinds kinds, MonitorOptions options)
{
    private const int LongestReply = 32 << 20;

    private readonly Dictionary<string, MemoryStream> files = new(StringComparer.Ordinal);
    private readonly ProcReading reading = new(options.IncludeCores);
    private readonly KnownGpus known = new();
    private readonly StringBuilder smi = new();
    private readonly RemoteProcesses processes = new(options.TimeProvider);
    private (double? CpuCores, long? MemoryLimit, long? MemoryUsed) limits;
    private IReadOnlyList<HostProcess>? processList;
    private string section = "";
    private SmiOutput? smiXml;
    private SmiOutput? smiCsv;
    private bool smiMissing;
    private long length;

    /// <summary>Begins with a new answer.</summary>
    public void Begin()
    {
        foreach (MemoryStream file in files.Values)
            file.SetLength(0);
        section = "";
        smiXml = null;
        smiCsv = null;
        smiMissing = false;
        length = 0;
    }

    /// <summary>Takes a line.</summary>
    /// <returns>Whether the answer is complete.</returns>
    /// <exception cref="MonitorException">The answer grows without end.</exception>
    public bool Take(string line, string nonce)
    {
        length += line.Length;
        if (length > LongestReply)
            throw new MonitorException("RemoteReplyTooLong", $"{computerName} answered with more than {LongestReply >> 20} MiB, which no sample takes.", computerName);
        string mark = $"{RemoteScript.Mark} {nonce} ";
        if (line.StartsWith(mark, StringComparison.Ordinal))
            return Begin(line[mark.Length..]);
        switch (section)
        {
            case "proc" or "cgroup":
                TakeFileLine(line);
                break;
            case "ps":
                processes.TakePs(line);
                break;
            case "stat":
                processes.TakeStat(line);
                break;
            case "smi-xml" or "smi-csv":
                smi.Append(line).Append('\n');
                break;
        }

        return false;
    }

    /// <summary>The host, from a complete answer.</summary>
    /// <param name="now">The time, UTC.</param>
    /// <param name="isFull">Whether everything was asked for.</param>
    public HostSnapshot ToSnapshot(DateTimeOffset now, bool isFull)
    {
        if (isFull && options.IncludeProcesses)
            processList = processes.ToList();
        if (isFull)
            limits = RemoteCgroup.Read(files);
        return new HostSnapshot(
            computerName,
            now,
            kinds.HasFlag(MonitorKinds.Cpu) ? Cpu(now) : null,
            kinds.HasFlag(MonitorKinds.Gpu) ? Gpus(now) : null);
    }

    private bool Begin(string word)
    {
        if (word.StartsWith("smi-exit", StringComparison.Ordinal))
        {
            // GNU timeout exits with 124, and with 137 where it had to kill.
            int? exitCode = SmiValue.Whole(word["smi-exit".Length..]);
            var output = new SmiOutput(computerName, smi.ToString(), exitCode is 124 or 137 ? null : exitCode);
            if (section == "smi-xml")
                smiXml = output;
            else
                smiCsv = output;

            word = "";
        }
        else if (word == "smi-missing")
        {
            smiMissing = true;
        }
        else if (word is "smi-xml" or "smi-csv")
        {
            smi.Clear();
        }
        else if (word == "ps")
        {
            processes.Begin();
        }

        section = word;
        return word == "end";
    }

    private void TakeFileLine(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || line[0] != '/')
            return;
        string name = line[..colon];
        if (!files.TryGetValue(name, out MemoryStream? file))
            files[name] = file = new MemoryStream();
        file.Write(Encoding.UTF8.GetBytes(line, colon + 1, line.Length - colon - 1));
        file.WriteByte((byte)'\n');
    }

    private CpuStatus Cpu(DateTimeOffset now)
    {
        reading.Begin();
        reading.Stat(TextOf("/proc/stat"));
        reading.LoadAverage(TextOf("/proc/loadavg"));
        reading.Memory(TextOf("/proc/meminfo"));
        reading.CpuPressure(TextOf("/proc/pressure/cpu"));
        reading.MemoryPressure(TextOf("/proc/pressure/memory"));
        reading.IoPressure(TextOf("/proc/pressure/io"));
        CpuStatus status = reading.ToStatus(computerName, now) with
        {
            CgroupCpuLimitCores = limits.CpuCores,
            CgroupMemoryLimitBytes = limits.MemoryLimit,
            CgroupMemoryUsedBytes = limits.MemoryUsed,
            Processes = processList,
        };
        return status.LogicalCores is not null ? status : status with
        {
            IsConnected = false,
            StaleSince = now,
            Error = $"{computerName} has no readable /proc/stat: only Linux hosts can be watched.",
        };
    }

    private IReadOnlyList<GpuStatus> Gpus(DateTimeOffset now)
    {
        try
        {
            if (smiMissing)
                throw new MonitorException("NvidiaSmiNotFound", $"{computerName} has no nvidia-smi.", computerName);
            IReadOnlyList<GpuStatus> told = [];
            if (smiXml is not null)
            {
                (told, _) = SmiXml.Parse(smiXml, now, options.IncludeProcesses ? processes.Find : null);
                known.Remember(told);
            }

            if (smiCsv is not null)
                told = [.. SmiCsv.Parse(smiCsv, now).Select(known.Complete)];
            return known.Settle(told, computerName, now);
        }
        catch (MonitorException failure) when (failure.ErrorId == "NoGpu")
        {
            return [];
        }
        catch (MonitorException failure)
        {
            // The host answers, only its GPUs do not: its CPU is told all the same.
            return known.Stale(computerName, now, failure.Message);
        }
    }

    private ReadOnlySpan<byte> TextOf(string name) => files.TryGetValue(name, out MemoryStream? file) ? file.GetBuffer().AsSpan(0, (int)file.Length) : default;
}

/// <summary>Another host's processes, and from the second list on the share of a core that each has used since the one before.</summary>
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

/// <summary>The limits that another host's control groups set to a shell that comes by ssh: the strictest on the way up to the root.</summary>
internal static class RemoteCgroup
{
    private const string Root = "/sys/fs/cgroup/";

    /// <summary>Makes the limits of the files that the host has sent.</summary>
    /// <param name="files">Their texts by path.</param>
    public static (double? CpuCores, long? MemoryLimit, long? MemoryUsed) Read(IReadOnlyDictionary<string, MemoryStream> files)
    {
        double? cores = null;
        ulong? limit = null, used = null;
        int depth = 0;
        foreach ((string path, MemoryStream file) in files)
        {
            if (!path.StartsWith(Root, StringComparison.Ordinal) || file.Length == 0)
                continue;
            switch (path[(path.LastIndexOf('/') + 1)..])
            {
                case "cpu.max":
                    cores = CgroupText.Least(cores, CgroupText.Cores(TextOf(file)));
                    break;
                case "cpu.cfs_quota_us" when files.TryGetValue(path.Replace("quota", "period", StringComparison.Ordinal), out MemoryStream? period):
                    cores = CgroupText.Least(cores, CgroupText.Cores(CgroupText.Number(TextOf(file)), CgroupText.Number(TextOf(period))));
                    break;
                case "memory.max" or "memory.limit_in_bytes":
                    limit = CgroupText.Least(limit, CgroupText.Number(TextOf(file)));
                    break;

                // Its own group's, which is the deepest.
                case "memory.current" or "memory.usage_in_bytes" when path.Length > depth:
                    depth = path.Length;
                    used = CgroupText.Number(TextOf(file));
                    break;
            }
        }

        return (cores, (long?)limit, (long?)used);
    }

    private static ReadOnlySpan<byte> TextOf(MemoryStream file) => file.GetBuffer().AsSpan(0, (int)file.Length);
}
