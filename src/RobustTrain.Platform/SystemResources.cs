using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Platform;

/// <summary>What the machine has to spare at this moment.</summary>
public static unsafe class SystemResources
{
    /// <summary>
    /// The bytes of memory that can be had without pushing anything out, within this process's limit. Asking first matters: the kernel hands
    /// out more than there is, and kills a process later.
    /// </summary>
    public static long AvailableMemoryBytes()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (OperatingSystem.IsWindows())
            return Math.Min(limit, WindowsCounters.Memory()?.Available ?? limit);
        return OperatingSystem.IsLinux() && AvailableKibibytes() is { } kibibytes ? Math.Min(limit, kibibytes * 1024) : limit;
    }

    /// <summary>The seconds that all processors have been idle, summed; where the system does not tell, as if all always were.</summary>
    public static double IdleProcessorSeconds() => OperatingSystem.IsWindows() ? (double)WindowsCounters.CpuTimes().Idle / TimeSpan.TicksPerSecond
        : OperatingSystem.IsLinux() ? double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[1], CultureInfo.InvariantCulture)
        : Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency * Environment.ProcessorCount;

    // By hand, since the framework's streams and readers take milliseconds to get going in a process that has used none yet.
    private static long? AvailableKibibytes()
    {
        const int most = 4096;
        byte* bytes = stackalloc byte[most];
        int descriptor = PosixFile.Open("/proc/meminfo");
        if (descriptor < 0)
            return null;
        nint length = PosixFile.ReadAt(descriptor, bytes, most, 0);
        PosixFile.Close(descriptor);
        ReadOnlySpan<byte> text = new(bytes, (int)Math.Max(0, length));
        ReadOnlySpan<byte> key = "MemAvailable:"u8;
        int place = text.IndexOf(key);
        if (place < 0)
            return null;
        text = text[(place + key.Length)..].TrimStart((byte)' ');
        return System.Buffers.Text.Utf8Parser.TryParse(text, out long kibibytes, out _) ? kibibytes : null;
    }
}

/// <summary>What Linux lets a process have (getrlimit(2)); null where there is no limit.</summary>
public static class ResourceLimit
{
    // asm-generic/resource.h
    private const int Processes = 6;
    private const int Descriptors = 7;

    /// <summary>Descriptors of this process. .NET has raised the soft limit to the hard one.</summary>
    public static ulong? OfDescriptors() => Of(Descriptors);

    /// <summary>Processes and threads of this user.</summary>
    public static ulong? OfProcesses() => Of(Processes);

    private static ulong? Of(int resource) =>
        Libc.Limit(resource, out Libc.ResourceLimits limits) == 0 && limits.Soft != ulong.MaxValue ? limits.Soft : null;
}
