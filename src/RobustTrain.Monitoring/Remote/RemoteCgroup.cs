using RobustTrain.Monitoring.Cpu;

namespace RobustTrain.Monitoring.Remote;

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
