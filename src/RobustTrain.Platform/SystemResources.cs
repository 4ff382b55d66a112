using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

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

/// <summary>The memory of a process.</summary>
public static class ProcessMemory
{
    /// <summary>
    /// The bytes that a process shares with none: on Linux those in memory, on Windows those that are promised to it. Null where it is gone, and on
    /// other systems.
    /// </summary>
    public static long? OwnBytesOf(int processId)
    {
        if (!OperatingSystem.IsWindows())
            return (ProcessFiles.KilobytesOf(processId, "VmRSS") - ProcessFiles.KilobytesOf(processId, "RssShmem")) * 1024;
        try
        {
            using Process process = Process.GetProcessById(processId);
            return process.PrivateMemorySize64;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
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

/// <summary>Counters of Windows' kernel.</summary>
[SupportedOSPlatform("windows")]
public static unsafe class WindowsCounters
{
    /// <summary>The times that all processors have spent since the start, in units of 100 ns; the kernel's includes the idle time.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static (long Idle, long Kernel, long User) CpuTimes() =>
        Kernel32.SystemTimes(out long idle, out long kernel, out long user) ? (idle, kernel, user) : throw new Win32Exception();

    /// <summary>The same of each processor, those of one group of processors after those of the other.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static IReadOnlyList<(long Idle, long Kernel, long User)> CoreTimes()
    {
        // SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION: times idle, in the kernel and of users, two more times, a number; a group has at most 64.
        const int kind = 8, most = 64, words = 6;
        long* times = stackalloc long[most * words];
        List<(long, long, long)> cores = [];
        int groups = Math.Max((ushort)1, Kernel32.ProcessorGroups());
        for (ushort group = 0; group < groups; group++)
        {
            // Without a group it is that of the calling thread, and the only one.
            int status = groups == 1
                ? NativeSystem.QuerySystem(kind, times, most * words * sizeof(long), out int bytes)
                : NativeSystem.QuerySystemOf(kind, group, sizeof(ushort), times, most * words * sizeof(long), out bytes);
            if (status < 0)
                throw new Win32Exception(status, $"status 0x{status:X8}.");
            for (long* core = times; core < times + (bytes / sizeof(long)); core += words)
                cores.Add((core[0], core[1], core[2]));
        }

        return cores;
    }

    /// <summary>The machine's memory in bytes, the commit limit (memory and page files together) among it; null where Windows does not tell.</summary>
    public static (long Total, long Available, long CommitLimit)? Memory()
    {
        var status = new Kernel32.MemoryStatus { Length = (uint)Unsafe.SizeOf<Kernel32.MemoryStatus>() };
        return Kernel32.GetMemory(ref status)
            ? ((long)status.TotalPhysical, (long)status.AvailablePhysical, (long)status.TotalPageFile)
            : null;
    }
}

/// <summary>The CPU time that the calling thread has used.</summary>
public static class ThreadCpuClock
{
    // CLOCK_THREAD_CPUTIME_ID.
    private static readonly int s_clock = OperatingSystem.IsMacOS() ? 16 : 3;

    /// <summary>User and kernel time together; zero where the system does not tell.</summary>
    public static TimeSpan Now
    {
        get
        {
            if (OperatingSystem.IsWindows())
            {
                return Kernel32.ThreadTimes(Kernel32.CurrentThread(), out _, out _, out long kernel, out long user)
                    ? TimeSpan.FromTicks(kernel + user)
                    : TimeSpan.Zero;
            }

            return Libc.ClockTime(s_clock, out Libc.Timespec time) == 0
                ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
                : TimeSpan.Zero;
        }
    }
}
