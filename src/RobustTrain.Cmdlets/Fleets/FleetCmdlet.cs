using System.Collections;
using System.Management.Automation;
using RobustTrain.Cmdlets.Commands;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Fleet.State;

namespace RobustTrain.Cmdlets.Fleets;

/// <summary>A cmdlet that takes a fleet by its folder.</summary>
public abstract class FleetCmdlet : HostCmdlet
{
    private static readonly Dictionary<string, string> s_words = new()
    {
        ["--path"] = "-Path",
        ["--host"] = "-ComputerName",
        ["--sweep"] = "-Sweep",
        ["--runs"] = "-StopRun",
        ["--scheduler"] = "-Scheduler",
        ["--scheduler slurm"] = "-Scheduler Slurm",
        ["--ssh-config"] = "-SshConfigPath",
        ["--gpu-source"] = "-Source",
        ["--gpu-utilization-below"] = "-GpuUtilizationBelow",
        ["--gpu-memory-free"] = "-GpuMemoryFree",
        ["--cpu-utilization-below"] = "-CpuUtilizationBelow",
        ["--memory-free"] = "-MemoryFree",
        ["--disk-free"] = "-DiskFree",
        ["--load-per-core-below"] = "-LoadPerCoreBelow",
        ["--slots"] = "-Slots",
        ["--start-interval"] = "-StartInterval",
        ["--max-restarts"] = "-MaxRestarts",
        ["--backoff"] = "-Backoff",
        ["--stuck-after"] = "-StuckAfter",
        ["--stop-grace"] = "-StopGraceTime",
        ["--host-lost-after"] = "-HostLostAfter",
        ["--timeout"] = "-Timeout",
        ["--clock-tolerance"] = "-ClockTolerance",
        ["--interval"] = "-Interval",
    };

    /// <summary>The fleet's folder, in which its runs stand.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("FleetPath")]
    [FromObject("FleetPath", "FullName")]
    [ArgumentCompleter(typeof(FleetPathCompleter))]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "runs";

    /// <inheritdoc/>
    private protected override CmdletWords Words() => new([]) { Own = s_words };

    /// <summary>The fleet's folder, absolute.</summary>
    private protected Task<string> FleetPathAsync() => ResolvePathAsync(Path);
}

/// <summary>Completes the folders of fleets below the current folder.</summary>
public sealed class FleetPathCompleter : ListCompleter
{
    private const int Depth = 3;

    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound) =>
        CurrentFolder() is { } here ? Below(here, Depth).Select(fleet => (System.IO.Path.GetRelativePath(here, fleet), fleet)) : [];

    private static IEnumerable<string> Below(string folder, int levels)
    {
        if (FleetFolder.IsFleet(folder))
            return [folder];
        EnumerationOptions options = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint };
        return levels == 0 ? [] : Directory.EnumerateDirectories(folder, "*", options).Order(StringComparer.Ordinal).SelectMany(inner => Below(inner, levels - 1));
    }
}

/// <summary>Completes the runs of the fleet that is named, or of the usual one.</summary>
public sealed class FleetMemberCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        string path = System.IO.Path.Combine(CurrentFolder() ?? "", bound["Path"] as string ?? "runs");
        return FleetFolder.IsFleet(path) ? FleetFolder.Read(path).Members.Select(member => (member.Name, member.Config)) : [];
    }
}
