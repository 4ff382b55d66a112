using System.Globalization;

namespace RobustTrain.Monitoring.Cpu;

/// <summary>The limits that control groups set to this process, of version 1 and 2: the strictest on the way up to the root.</summary>
/// <param name="root">The root of the file system, <c>/</c> but for tests.</param>
internal sealed class Cgroup(string root)
{
    // Version 1 writes the largest multiple of a page for "no limit"; nothing real comes near.
    private const long NoLimit = 1L << 60;

    /// <summary>Reads the limits.</summary>
    public (double? CpuCores, long? MemoryLimit, long? MemoryUsed) Read()
    {
        string path = Path.Combine(root, "proc/self/cgroup");
        if (!File.Exists(path))
            return default;

        double? cores = null;
        long? limit = null, used = null;
        foreach (string line in File.ReadLines(path))
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length != 3)
                continue;

            bool second = parts[1].Length == 0;
            string[] controllers = parts[1].Split(',');
            if (second || controllers.Contains("memory"))
            {
                string mount = Mount(second, "memory");
                foreach (string folder in Upwards(mount, parts[2]))
                {
                    limit = Least(limit, Number(Path.Combine(folder, second ? "memory.max" : "memory.limit_in_bytes")) is { } bytes and < NoLimit ? bytes : null);
                    used ??= Number(Path.Combine(folder, second ? "memory.current" : "memory.usage_in_bytes"));
                }
            }

            if (second || controllers.Contains("cpu"))
            {
                foreach (string folder in Upwards(Mount(second, "cpu"), parts[2]))
                    cores = Least(cores, second ? CpuMax(folder) : CpuQuota(folder));
            }
        }

        return (cores, limit, used);
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

    private static double? CpuMax(string folder)
    {
        string path = Path.Combine(folder, "cpu.max");
        if (!File.Exists(path))
            return null;

        string[] words = File.ReadAllText(path).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 2
            && long.TryParse(words[0], CultureInfo.InvariantCulture, out long quota)
            && long.TryParse(words[1], CultureInfo.InvariantCulture, out long period)
            && period > 0
            ? (double)quota / period
            : null;
    }

    private static double? CpuQuota(string folder) =>
        Number(Path.Combine(folder, "cpu.cfs_quota_us")) is { } quota and > 0 && Number(Path.Combine(folder, "cpu.cfs_period_us")) is { } period and > 0
            ? (double)quota / period
            : null;

    private static long? Number(string path) =>
        File.Exists(path) && long.TryParse(File.ReadAllText(path).AsSpan().Trim(), CultureInfo.InvariantCulture, out long value) ? value : null;

    private static T? Least<T>(T? one, T? other)
        where T : struct, IComparable<T> => one is null ? other : other is null || one.Value.CompareTo(other.Value) <= 0 ? one : other;
}
