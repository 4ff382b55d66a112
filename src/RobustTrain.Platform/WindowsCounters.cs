using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>Counters of Windows' kernel. Untested: no Windows machine was at hand when they were written.</summary>
[SupportedOSPlatform("windows")]
public static class WindowsCounters
{
    /// <summary>The times that all processors have spent since the start, in units of 100 ns; the kernel's includes the idle time.</summary>
    /// <exception cref="Win32Exception">Windows does not tell.</exception>
    public static (long Idle, long Kernel, long User) CpuTimes() =>
        Kernel32.SystemTimes(out long idle, out long kernel, out long user) ? (idle, kernel, user) : throw new Win32Exception();

    /// <summary>The machine's memory in bytes, the commit limit (memory and page files together) among it; null where Windows does not tell.</summary>
    public static (long Total, long Available, long CommitLimit)? Memory()
    {
        var status = new Kernel32.MemoryStatus { Length = (uint)Unsafe.SizeOf<Kernel32.MemoryStatus>() };
        return Kernel32.GetMemory(ref status)
            ? ((long)status.TotalPhysical, (long)status.AvailablePhysical, (long)status.TotalPageFile)
            : null;
    }
}
