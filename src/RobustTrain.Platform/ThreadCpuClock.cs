namespace RobustTrain.Platform;

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
