using System.Globalization;

namespace RobustTrain.Data.Loading;

/// <summary>How much memory a ring may take. Asking first matters: the kernel hands out more than there is, and kills somebody later.</summary>
public static class HostMemory
{
    /// <summary>The bytes that can be had without pushing anybody out, within this process's limit.</summary>
    public static long AvailableBytes()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!OperatingSystem.IsLinux())
            return limit;
        foreach (string line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith("MemAvailable:", StringComparison.Ordinal))
                return Math.Min(limit, long.Parse(line[13..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.Integer, CultureInfo.InvariantCulture) * 1024);
        }

        return limit;
    }
}
