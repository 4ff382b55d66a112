using RobustTrain.Runs;

namespace RobustTrain.Fleet;

/// <summary>When a host is free enough, and what becomes of runs that fail or stand still.</summary>
public sealed record FleetOptions
{
    /// <summary>A GPU must be used less than this, in percent.</summary>
    public double GpuUtilizationBelow { get; init; } = 50;

    /// <summary>So much of a GPU's memory must be free, in bytes.</summary>
    public long GpuMemoryFreeBytes { get; init; } = 12L << 30;

    /// <summary>A host's CPU must be used less than this, in percent.</summary>
    public double CpuUtilizationBelow { get; init; } = 80;

    /// <summary>So much memory must be free on a host, in bytes.</summary>
    public long MemoryFreeBytes { get; init; } = 4L << 30;

    /// <summary>So much must be free on the disk of the fleet's folder, in bytes.</summary>
    public long DiskFreeBytes { get; init; } = 1L << 30;

    /// <summary>A host's load must be less than this for each of its cores.</summary>
    public double LoadPerCoreBelow { get; init; } = 1;

    /// <summary>How many runs that train on the CPU a host takes at once.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>The time between two starts on one host, in which the first one's load shows.</summary>
    public TimeSpan StartInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a run is started again after failures in a row.</summary>
    public int MaxRestarts { get; init; } = 5;

    /// <summary>The wait before a run that has failed is started again; each further failure doubles it.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>No wait is longer than this.</summary>
    public TimeSpan BackoffLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A run that has made no step for so long is stuck.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a run that is to end may take for its checkpoint before it is killed.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A host that has been silent for so long is lost, and its runs whose heartbeats are silent as well go on elsewhere.</summary>
    public TimeSpan HostLostAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a host may take to answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A host's clock may differ by so much.</summary>
    public TimeSpan ClockTolerance { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Checks the values.</summary>
    /// <exception cref="RunException">One is out of its range.</exception>
    public void Validate()
    {
        Check(GpuUtilizationBelow > 0, "--gpu-utilization-below", GpuUtilizationBelow, "more than 0");
        Check(GpuMemoryFreeBytes >= 0, "--gpu-memory-free", GpuMemoryFreeBytes / (double)(1L << 30), "0 or more GiB");
        Check(CpuUtilizationBelow > 0, "--cpu-utilization-below", CpuUtilizationBelow, "more than 0");
        Check(MemoryFreeBytes >= 0, "--memory-free", MemoryFreeBytes / (double)(1L << 30), "0 or more GiB");
        Check(DiskFreeBytes >= 0, "--disk-free", DiskFreeBytes / (double)(1L << 30), "0 or more GiB");
        Check(LoadPerCoreBelow > 0, "--load-per-core-below", LoadPerCoreBelow, "more than 0");
        Check(Slots >= 0, "--slots", Slots, "0 or more");
        Check(MaxRestarts >= 0, "--max-restarts", MaxRestarts, "0 or more");
        Check(StartInterval >= TimeSpan.Zero, "--start-interval", StartInterval.TotalSeconds, "0 or more seconds");
        Check(Backoff >= TimeSpan.Zero, "--backoff", Backoff.TotalSeconds, "0 or more seconds");
        Check(StuckAfter > TimeSpan.Zero, "--stuck-after", StuckAfter.TotalSeconds, "more than 0 seconds");
        Check(StopGrace >= TimeSpan.Zero, "--stop-grace", StopGrace.TotalSeconds, "0 or more seconds");
        Check(HostLostAfter >= TimeSpan.FromSeconds(10), "--host-lost-after", HostLostAfter.TotalSeconds, "10 or more seconds, since a heartbeat comes every 5");
        Check(Timeout > TimeSpan.Zero, "--timeout", Timeout.TotalSeconds, "more than 0 seconds");
        Check(ClockTolerance > TimeSpan.Zero, "--clock-tolerance", ClockTolerance.TotalSeconds, "more than 0 seconds");
        Check(Interval > TimeSpan.Zero, "--interval", Interval.TotalSeconds, "more than 0 seconds");
    }

    private static void Check(bool isRight, string option, double found, string expected)
    {
        if (!isRight)
            throw new RunException(ExitCode.Configuration, "FleetOptionOutOfRange", FormattableString.Invariant($"{option} is {found}, but must be {expected}."), option);
    }
}
