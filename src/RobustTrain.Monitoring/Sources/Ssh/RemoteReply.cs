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

    private readonly Dictionary<string, MemoryStream> _files = new(StringComparer.Ordinal);
    private readonly ProcReading _reading = new(options.IncludeCores);
    private readonly KnownGpus _known = new();
    private readonly StringBuilder _smi = new();
    private readonly RemoteProcesses _processes = new(options.TimeProvider);
    private (double? CpuCores, long? MemoryLimit, long? MemoryUsed) _limits;
    private IReadOnlyList<HostProcess>? _processList;
    private string _section = "";
    private SmiOutput? _smiXml;
    private SmiOutput? _smiCsv;
    private bool _smiMissing;
    private long _length;

    /// <summary>Begins with a new answer.</summary>
    public void Begin()
    {
        foreach (MemoryStream file in _files.Values)
            file.SetLength(0);
        _section = "";
        _smiXml = null;
        _smiCsv = null;
        _smiMissing = false;
        _length = 0;
    }

    /// <summary>Takes a line.</summary>
    /// <returns>Whether the answer is complete.</returns>
    /// <exception cref="MonitorException">The answer grows without end.</exception>
    public bool Take(string line, string nonce)
    {
        _length += line.Length;
        if (_length > LongestReply)
            throw new MonitorException("RemoteReplyTooLong", $"{computerName} answered with more than {LongestReply >> 20} MiB, which no sample takes.", computerName);
        string mark = $"{RemoteScript.Mark} {nonce} ";
        if (line.StartsWith(mark, StringComparison.Ordinal))
            return Begin(line[mark.Length..]);
        switch (_section)
        {
            case "proc" or "cgroup":
                TakeFileLine(line);
                break;
            case "ps":
                _processes.TakePs(line);
                break;
            case "processes":
                _processes.TakeWindows(line);
                break;
            case "stat":
                _processes.TakeStat(line);
                break;
            case "smi-xml" or "smi-csv":
                _smi.Append(line).Append('\n');
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
            _processList = _processes.ToList();
        if (isFull)
            _limits = RemoteCgroup.Read(_files);
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
            var output = new SmiOutput(computerName, _smi.ToString(), exitCode is 124 or 137 ? null : exitCode);
            if (_section == "smi-xml")
                _smiXml = output;
            else
                _smiCsv = output;

            word = "";
        }
        else if (word == "smi-missing")
        {
            _smiMissing = true;
        }
        else if (word is "smi-xml" or "smi-csv")
        {
            _smi.Clear();
        }
        else if (word is "ps" or "processes")
        {
            _processes.Begin();
        }

        _section = word;
        return word == "end";
    }

    private void TakeFileLine(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || line[0] != '/')
            return;
        string name = line[..colon];
        if (!_files.TryGetValue(name, out MemoryStream? file))
            _files[name] = file = new MemoryStream();
        file.Write(Encoding.UTF8.GetBytes(line, colon + 1, line.Length - colon - 1));
        file.WriteByte((byte)'\n');
    }

    private CpuStatus Cpu(DateTimeOffset now)
    {
        _reading.Begin();
        _reading.Stat(TextOf("/proc/stat"));
        _reading.LoadAverage(TextOf("/proc/loadavg"));
        _reading.Memory(TextOf("/proc/meminfo"));
        _reading.CpuPressure(TextOf("/proc/pressure/cpu"));
        _reading.MemoryPressure(TextOf("/proc/pressure/memory"));
        _reading.IoPressure(TextOf("/proc/pressure/io"));
        CpuStatus status = _reading.ToStatus(computerName, now) with
        {
            CgroupCpuLimitCores = _limits.CpuCores,
            CgroupMemoryLimitBytes = _limits.MemoryLimit,
            CgroupMemoryUsedBytes = _limits.MemoryUsed,
            Processes = _processList,
        };
        return status.LogicalCores is not null ? status : status with
        {
            IsConnected = false,
            StaleSince = now,
            Error = $"{computerName} has no readable /proc/stat: only Linux and Windows hosts can be watched.",
        };
    }

    private IReadOnlyList<GpuStatus> Gpus(DateTimeOffset now)
    {
        try
        {
            if (_smiMissing)
                throw new MonitorException("NvidiaSmiNotFound", $"{computerName} has no nvidia-smi.", computerName);
            IReadOnlyList<GpuStatus> told = [];
            if (_smiXml is not null)
            {
                (told, _) = SmiXml.Parse(_smiXml, now, options.IncludeProcesses ? _processes.Find : null);
                _known.Remember(told);
            }

            if (_smiCsv is not null)
                told = [.. SmiCsv.Parse(_smiCsv, now).Select(_known.Complete)];
            return _known.Settle(told, computerName, now);
        }
        catch (MonitorException failure) when (failure.ErrorId == "NoGpu")
        {
            return [];
        }
        catch (MonitorException failure)
        {
            // The host answers, only its GPUs do not: its CPU is told all the same.
            return _known.Stale(computerName, now, failure.Message);
        }
    }

    private ReadOnlySpan<byte> TextOf(string name) => _files.TryGetValue(name, out MemoryStream? file) ? file.GetBuffer().AsSpan(0, (int)file.Length) : default;
}

/// <summary>Another host's processes, and from the second list on the share of a core that each has used since the one before.</summary>
internal sealed class RemoteProcesses(TimeProvider clock)
{
    private readonly Dictionary<int, HostProcess> _processes = [];
    private Dictionary<int, (long Start, long Ticks)> _before = [];
    private Dictionary<int, (long Start, long Ticks)> _now = [];
    private long? _listed;

    /// <summary>Begins with a new list.</summary>
    public void Begin()
    {
        _processes.Clear();
        (_before, _now) = (_now, _before);
        _now.Clear();
    }

    /// <summary>Takes a line of ps: pid, seconds since its start, user, resident KiB, state, command.</summary>
    public void TakePs(string line)
    {
        string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length < 6 || SmiValue.Whole(words[0]) is not { } processId || SmiValue.Number(words[1]) is not { } age)
            return;
        _processes[processId] = new HostProcess
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
            _now[processId] = (stat.StartTicks, stat.CpuTicks);
        }
    }

    /// <summary>Takes a process of Windows: id, seconds since its start, user, resident KiB, when it began, its CPU time in hundredths of a second, name, command.</summary>
    public void TakeWindows(string line)
    {
        if (line.Split('\t') is not [var id, var age, var user, var memory, var start, var ticks, var name, var command]
            || SmiValue.Whole(id) is not { } processId || SmiValue.Number(age) is not { } seconds)
        {
            return;
        }

        _processes[processId] = new HostProcess
        {
            ProcessId = processId,
            User = user.Length > 0 ? user : null,
            Name = name,
            Command = command,
            StartTime = clock.GetUtcNow() - TimeSpan.FromSeconds(seconds),
            MemoryBytes = SmiValue.Count(memory) * 1024,
        };
        if (SmiValue.Count(start) is { } began && SmiValue.Count(ticks) is { } cpu)
            _now[processId] = (began, cpu);
    }

    /// <summary>One of the last list; null where it was not in it.</summary>
    public HostProcess? Find(int processId) => _processes.GetValueOrDefault(processId);

    /// <summary>The last list, complete now.</summary>
    public List<HostProcess> ToList()
    {
        long time = clock.GetTimestamp();
        double seconds = _listed is { } last ? clock.GetElapsedTime(last, time).TotalSeconds : 0;
        _listed = time;
        return [.. _processes.Values.Select(process => process with { CpuPercent = CpuPercent(process.ProcessId, seconds) })];
    }

    private double? CpuPercent(int processId, double seconds) =>
        seconds > 0 && _now.TryGetValue(processId, out (long Start, long Ticks) last) && _before.TryGetValue(processId, out (long Start, long Ticks) first) && first.Start == last.Start
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
