namespace RobustTrain.Monitoring.Sources;

/// <summary>Times of a core, or of all together, since the boot, in ticks (man 5 proc, <c>/proc/stat</c>).</summary>
internal readonly record struct CpuTimes(ulong User, ulong System, ulong Idle, ulong IoWait, ulong Steal)
{
    private ulong Total => User + System + Idle + IoWait + Steal;

    /// <summary>The shares since an earlier reading, in percent; null where no tick has passed.</summary>
    public CpuShares? Since(CpuTimes before)
    {
        // Idle and waiting times can step back on some kernels when a core goes offline; a share is never negative.
        double total = Delta(Total, before.Total);
        if (total <= 0)
            return null;
        double user = Delta(User, before.User) / total * 100;
        double system = Delta(System, before.System) / total * 100;
        double steal = Delta(Steal, before.Steal) / total * 100;
        double waiting = Delta(IoWait, before.IoWait) / total * 100;
        return new CpuShares(Math.Min(100, user + system + steal), user, system, waiting, steal);
    }

    private static double Delta(ulong now, ulong before) => now > before ? now - before : 0;
}

/// <summary>How a core, or all together, spent the time between two readings, in percent.</summary>
internal readonly record struct CpuShares(double Utilization, double User, double System, double IoWait, double Steal);
