using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring.Status;

/// <summary>A host's CPU and memory at one time. What the system does not tell is null; shares of time are null until two samples are there. Windows keeps no load averages, and its tasks are threads.</summary>
public sealed record CpuStatus : StatusRecord
{
    /// <summary>Logical cores.</summary>
    [JsonPropertyOrder(-5)]
    public int? LogicalCores { get; init; }

    /// <summary>The time that all cores worked, in percent: everything but idle and waiting for input and output.</summary>
    public double? UtilizationPercent { get; init; }

    /// <summary>User code, of lowered priority included, in percent.</summary>
    public double? UserPercent { get; init; }

    /// <summary>The kernel, interrupts included, in percent.</summary>
    public double? SystemPercent { get; init; }

    /// <summary>Idle while input or output was pending, in percent.</summary>
    public double? IoWaitPercent { get; init; }

    /// <summary>Taken by the hypervisor for others, in percent.</summary>
    public double? StealPercent { get; init; }

    /// <summary>The mean number of tasks that ran or waited over 1 minute.</summary>
    public double? LoadAverage1 { get; init; }

    /// <summary>The mean number of tasks that ran or waited over 5 minutes.</summary>
    public double? LoadAverage5 { get; init; }

    /// <summary>The mean number of tasks that ran or waited over 15 minutes.</summary>
    public double? LoadAverage15 { get; init; }

    /// <summary>Tasks that run or are ready to.</summary>
    public int? RunnableTasks { get; init; }

    /// <summary>All tasks.</summary>
    public int? TotalTasks { get; init; }

    /// <summary>All memory, in bytes.</summary>
    public long? MemoryTotalBytes { get; init; }

    /// <summary>Memory in use that could not be given up for another program, in bytes.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>Memory that a program could get, in bytes.</summary>
    public long? MemoryAvailableBytes { get; init; }

    /// <summary>All swap space, in bytes.</summary>
    public long? SwapTotalBytes { get; init; }

    /// <summary>Swap space in use, in bytes.</summary>
    public long? SwapUsedBytes { get; init; }

    /// <summary>The share of the last 10 s in which some task waited for a core, in percent.</summary>
    public double? CpuPressurePercent { get; init; }

    /// <summary>The share of the last 10 s in which some task waited for memory, in percent.</summary>
    public double? MemoryPressurePercent { get; init; }

    /// <summary>The share of the last 10 s in which every task waited for memory, in percent.</summary>
    public double? MemoryFullPressurePercent { get; init; }

    /// <summary>The share of the last 10 s in which some task waited for input or output, in percent.</summary>
    public double? IoPressurePercent { get; init; }

    /// <summary>The share of the last 10 s in which every task waited for input or output, in percent.</summary>
    public double? IoFullPressurePercent { get; init; }

    /// <summary>The cores that this process' control group may use; null where it is not limited.</summary>
    public double? CgroupCpuLimitCores { get; init; }

    /// <summary>The memory that this process' control group may use, in bytes; null where it is not limited.</summary>
    public long? CgroupMemoryLimitBytes { get; init; }

    /// <summary>The memory that this process' control group uses, in bytes.</summary>
    public long? CgroupMemoryUsedBytes { get; init; }

    /// <summary>Each core; null where it was not asked for.</summary>
    public IReadOnlyList<CoreStatus>? Cores { get; init; }

    /// <summary>The processes; null where they were not asked for.</summary>
    public IReadOnlyList<HostProcess>? Processes { get; init; }

    /// <summary>The least utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMin { get; internal set; }

    /// <summary>The greatest utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMax { get; internal set; }

    /// <summary>The mean utilisation in the window, in percent.</summary>
    public double? UtilizationPercentMean { get; internal set; }

    /// <summary>The least memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMin { get; internal set; }

    /// <summary>The greatest memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMax { get; internal set; }

    /// <summary>The mean memory in use in the window, in bytes.</summary>
    public double? MemoryUsedBytesMean { get; internal set; }

    /// <summary>The least 1-minute load average in the window.</summary>
    public double? LoadAverage1Min { get; internal set; }

    /// <summary>The greatest 1-minute load average in the window.</summary>
    public double? LoadAverage1Max { get; internal set; }

    /// <summary>The mean 1-minute load average in the window.</summary>
    public double? LoadAverage1Mean { get; internal set; }

    /// <summary>The last values marked stale.</summary>
    internal static CpuStatus Stale(string computerName, CpuStatus? last, DateTimeOffset now, DateTimeOffset since, string reason) =>
        (last ?? new CpuStatus { ComputerName = computerName, Time = now }) with { Time = now, IsConnected = false, StaleSince = since, Error = reason };

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{ComputerName} CPU: {UtilizationPercent:0} %");
}

/// <summary>One logical core over the time since the sample before.</summary>
/// <param name="Index">The core's number.</param>
/// <param name="UtilizationPercent">All but idle and waiting for input and output, in percent.</param>
public sealed record CoreStatus(int Index, double? UtilizationPercent)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Index}: {UtilizationPercent:0} %");
}

/// <summary>A process of a host.</summary>
public sealed record HostProcess
{
    /// <summary>The process id.</summary>
    public required int ProcessId { get; init; }

    /// <summary>The owner's name, or the number where it has none.</summary>
    public string? User { get; init; }

    /// <summary>The program's name.</summary>
    public string? Name { get; init; }

    /// <summary>The command line.</summary>
    public string? Command { get; init; }

    /// <summary>When it started, UTC.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>CPU time since the last sample in percent of one core; null at the first.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Memory in use (resident), in bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>The state's letter, as <c>ps</c> shows it.</summary>
    public string? State { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{ProcessId} {User} {Command}";
}
