using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Monitoring;

/// <summary>The CPU time that the calling thread has used.</summary>
internal static partial class ThreadCpuClock
{
    /// <summary>User and kernel time together; zero where the system does not tell.</summary>
    public static TimeSpan Now
    {
        get
        {
            if (OperatingSystem.IsWindows())
                return OfWindows();

            // CLOCK_THREAD_CPUTIME_ID is 3 on Linux and 16 on macOS.
            return ClockGetTime(OperatingSystem.IsMacOS() ? 16 : 3, out Timespec time) == 0
                ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
                : TimeSpan.Zero;
        }
    }

    [SupportedOSPlatform("windows")]
    private static TimeSpan OfWindows() =>
        GetThreadTimes(GetCurrentThread(), out _, out _, out long kernel, out long user) ? TimeSpan.FromTicks(kernel + user) : TimeSpan.Zero;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    [LibraryImport("kernel32"), SupportedOSPlatform("windows")]
    private static partial nint GetCurrentThread();

    [LibraryImport("kernel32"), SupportedOSPlatform("windows")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetThreadTimes(nint thread, out long creation, out long exit, out long kernel, out long user);

    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
