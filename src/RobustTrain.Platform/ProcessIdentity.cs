using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Platform;

/// <summary>Names one process for good: an id alone is given again to a later process.</summary>
/// <param name="Host">The machine's name.</param>
/// <param name="ProcessId">The process id.</param>
/// <param name="Start">When it started, to be compared only: on Linux the boot id and the clock ticks since boot.</param>
public sealed record ProcessIdentity(string Host, int ProcessId, string Start)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current { get; } = new(
        Environment.MachineName,
        Environment.ProcessId,
        StartOf(Environment.ProcessId) ?? throw new InvalidOperationException("The start time of this process can't be read."));

    /// <summary>A process of this machine; null where there is none of this id any more.</summary>
    public static ProcessIdentity? Of(int processId) => StartOf(processId) is { } start ? new(Environment.MachineName, processId, start) : null;

    /// <summary>Whether the process lives, as far as this machine can tell: null for a process of another machine.</summary>
    public bool? IsAlive() =>
        !string.Equals(Host, Environment.MachineName, StringComparison.OrdinalIgnoreCase) ? null : StartOf(ProcessId) == Start;

    private static string? StartOf(int processId) => OperatingSystem.IsLinux() ? StartOnLinux(processId) : StartElsewhere(processId);

    // Process.StartTime is computed from the wall clock, so that it moves when the clock is set; the kernel's ticks don't.
    private static string? StartOnLinux(int processId) => ProcessFiles.StatOf(processId) is { } fields && fields[0] is not ("Z" or "X")
        ? $"{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}/{fields[19]}"
        : null;

    private static string? StartElsewhere(int processId)
    {
        try
        {
            using Process process = Process.GetProcessById(processId);
            return process.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
