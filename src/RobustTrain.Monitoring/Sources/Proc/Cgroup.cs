using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Proc;

/// <summary>
/// The limits that control groups set to this process, of version 1 and 2: the strictest on the way up to the root. The files stay open
/// between readings, and are looked for anew only when the process has been moved to another group.
/// </summary>
/// <param name="root">The root of the file system, <c>/</c> but for tests.</param>
internal sealed class Cgroup(string root) : IDisposable
{
    private const int SmallFile = 64;

    private readonly List<ProcFile> _memoryLimits = [];
    private readonly List<ProcFile> _cpuMaxima = [];
    private readonly List<(ProcFile Quota, ProcFile Period)> _cpuQuotas = [];
    private ProcFile? _membership, _memoryUsed;
    private byte[] _groups = [];
    private bool _searched;

    /// <summary>Reads the limits.</summary>
    public (double? CpuCores, long? MemoryLimit, long? MemoryUsed) Read()
    {
        if (!_searched)
            _membership = ProcFile.TryOpen(Path.Combine(root, "proc/self/cgroup"), 512);
        ReadOnlySpan<byte> now = _membership is null ? default : _membership.Read();
        if (!_searched || !now.SequenceEqual(_groups))
            Search(now);
        _searched = true;
        try
        {
            return ReadLimits();
        }
        catch (IOException)
        {
            // The group, or one above it, was removed under the open files; the next reading looks for what there is then.
            _groups = [];
            return default;
        }
    }

    public void Dispose()
    {
        _membership?.Dispose();
        Close();
    }

    private (double? CpuCores, long? MemoryLimit, long? MemoryUsed) ReadLimits()
    {
        double? cores = null;
        foreach (ProcFile file in _cpuMaxima)
            cores = CgroupText.Least(cores, CgroupText.Cores(file.Read()));
        foreach ((ProcFile quota, ProcFile period) in _cpuQuotas)
            cores = CgroupText.Least(cores, CgroupText.Cores(CgroupText.Number(quota.Read()), CgroupText.Number(period.Read())));
        ulong? limit = null;
        foreach (ProcFile file in _memoryLimits)
            limit = CgroupText.Least(limit, CgroupText.Number(file.Read()));
        return (cores, (long?)limit, _memoryUsed is null ? null : (long?)CgroupText.Number(_memoryUsed.Read()));
    }

    private void Search(ReadOnlySpan<byte> now)
    {
        Close();
        _groups = now.ToArray();
        ReadOnlySpan<byte> rest = _groups;
        while (ProcText.NextLine(ref rest, out ReadOnlySpan<byte> line))
        {
            string[] parts = System.Text.Encoding.UTF8.GetString(line).Split(':', 3);
            if (parts.Length != 3)
                continue;
            bool second = parts[1].Length == 0;
            string[] controllers = parts[1].Split(',');
            if (second || controllers.Contains("memory"))
                OpenMemory(second, parts[2]);
            if (second || controllers.Contains("cpu"))
                OpenCpu(second, parts[2]);
        }
    }

    private void OpenMemory(bool second, string group)
    {
        foreach (string folder in Upwards(Mount(second, "memory"), group))
        {
            if (ProcFile.TryOpen(Path.Combine(folder, second ? "memory.max" : "memory.limit_in_bytes"), SmallFile) is { } limit)
                _memoryLimits.Add(limit);
            _memoryUsed ??= ProcFile.TryOpen(Path.Combine(folder, second ? "memory.current" : "memory.usage_in_bytes"), SmallFile);
        }
    }

    private void OpenCpu(bool second, string group)
    {
        foreach (string folder in Upwards(Mount(second, "cpu"), group))
        {
            if (second)
            {
                if (ProcFile.TryOpen(Path.Combine(folder, "cpu.max"), SmallFile) is { } maximum)
                    _cpuMaxima.Add(maximum);
                continue;
            }

            ProcFile? quota = ProcFile.TryOpen(Path.Combine(folder, "cpu.cfs_quota_us"), SmallFile);
            ProcFile? period = ProcFile.TryOpen(Path.Combine(folder, "cpu.cfs_period_us"), SmallFile);
            if (quota is not null && period is not null)
            {
                _cpuQuotas.Add((quota, period));
                continue;
            }

            quota?.Dispose();
            period?.Dispose();
        }
    }

    private void Close()
    {
        _memoryUsed?.Dispose();
        _memoryUsed = null;
        foreach (ProcFile file in _memoryLimits)
            file.Dispose();
        foreach (ProcFile file in _cpuMaxima)
            file.Dispose();
        foreach ((ProcFile quota, ProcFile period) in _cpuQuotas)
        {
            quota.Dispose();
            period.Dispose();
        }

        _memoryLimits.Clear();
        _cpuMaxima.Clear();
        _cpuQuotas.Clear();
    }

    private string Mount(bool second, string controller)
    {
        string mount = Path.Combine(root, "sys/fs/cgroup");
        if (!second)
            return Path.Combine(mount, controller);
        // Where both versions are mounted, the second lies below.
        string unified = Path.Combine(mount, "unified");
        return Directory.Exists(unified) ? unified : mount;
    }

    private static IEnumerable<string> Upwards(string mount, string group)
    {
        // In a container the path may be that of the host and not exist here; the mount itself is then the own group.
        string relative = group.Trim('/');
        while (true)
        {
            string folder = relative.Length == 0 ? mount : Path.Combine(mount, relative);
            if (Directory.Exists(folder))
                yield return folder;
            if (relative.Length == 0)
                yield break;
            int slash = relative.LastIndexOf('/');
            relative = slash < 0 ? "" : relative[..slash];
        }
    }
}

/// <summary>What the files of control groups say, of this host or of another.</summary>
internal static class CgroupText
{
    // Version 1 writes the largest multiple of a page for "no limit"; nothing real comes near.
    private const ulong NoLimit = 1L << 60;

    /// <summary>A number of bytes or microseconds; null for "max", for -1 and for version 1's number without meaning.</summary>
    public static ulong? Number(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> line = text.TrimEnd((byte)'\n');
        return ProcText.NextNumber(ref line) is { } value and < NoLimit ? value : null;
    }

    /// <summary>The cores of version 2's <c>cpu.max</c>, "50000 100000" or "max 100000"; null for no limit.</summary>
    public static double? Cores(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> line = text.TrimEnd((byte)'\n');
        ulong? quota = ProcText.NextNumber(ref line);
        return Cores(quota, ProcText.NextNumber(ref line));
    }

    /// <summary>The cores that a quota in each period makes; null for no limit.</summary>
    public static double? Cores(ulong? quota, ulong? period) => quota > 0 && period > 0 ? (double)quota / period : null;

    /// <summary>The stricter of two limits, of which either may be none.</summary>
    public static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> => one is null ? other : other is null || one.Value.CompareTo(other.Value) <= 0 ? one : other;
}
