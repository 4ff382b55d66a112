using System.Globalization;
using System.Text;
using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;
using RobustTrain.Monitoring.Gpu.NvidiaSmi;
using RobustTrain.Monitoring.Processes;

namespace RobustTrain.Monitoring.Remote;

/// <summary>Takes the lines of one host's answers apart and makes statuses of them. Kept from tick to tick.</summary>
/// <param name="computerName">The host.</param>
/// <param name="kinds">What was asked for.</param>
/// <param name="options">How to sample.</param>
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
