using RobustTrain.Fleet.State;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>A configuration of a fleet, and how it stands.</summary>
public sealed record TrainingFleetMember
{
    /// <summary>The name of its run's folder.</summary>
    public required string Name { get; init; }

    /// <summary>How it stands: Queued, Running, Finished, Failed, Stuck or Outdated. A text, so that it reads well in JSON and CSV.</summary>
    public required string State { get; init; }

    /// <summary>The host on which it is at work; null where it is not.</summary>
    public string? ComputerName { get; init; }

    /// <summary>The index of its GPU there; null for a place on the CPU.</summary>
    public int? GpuIndex { get; init; }

    /// <summary>The complete epochs.</summary>
    public int EpochsDone { get; init; }

    /// <summary>The epochs to train; null where nobody knows yet.</summary>
    public int? Epochs { get; init; }

    /// <summary>Failures in a row: those with no epoch completed in between.</summary>
    public int Failures { get; init; }

    /// <summary>Why it stands so.</summary>
    public required string Reason { get; init; }

    /// <summary>When that was found, local time.</summary>
    public DateTime Time { get; init; }

    /// <summary>Its run's folder, whether there is a run yet or not.</summary>
    public required string RunPath { get; init; }

    /// <summary>The configuration's file.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>The fleet's folder.</summary>
    public string? FleetPath => Path.GetDirectoryName(RunPath);

    internal static TrainingFleetMember From(FleetMemberChanged changed) => new()
    {
        Name = changed.Name,
        State = changed.State.Length > 0 ? char.ToUpperInvariant(changed.State[0]) + changed.State[1..] : "",
        ComputerName = changed.ComputerName,
        GpuIndex = changed.GpuIndex,
        EpochsDone = changed.EpochsDone,
        Epochs = changed.Epochs,
        Failures = changed.Failures,
        Reason = changed.Reason,
        Time = changed.Time.LocalDateTime,
        RunPath = changed.RunPath,
        ConfigurationPath = changed.Config,
    };

    internal static TrainingFleetMember From(MemberStatus member, FleetStatus status, string path) => new()
    {
        Name = member.Name,
        State = member.State.ToString(),
        ComputerName = member.Host,
        GpuIndex = member.GpuIndex,
        EpochsDone = member.EpochsDone,
        Epochs = member.Epochs,
        Failures = member.Failures,
        Reason = member.Reason,
        Time = status.Time.LocalDateTime,
        RunPath = FleetFolder.RunPathOf(path, member.Name),
        ConfigurationPath = member.Config,
    };
}

/// <summary>A host of a fleet, and how it stands.</summary>
public sealed record TrainingFleetHost
{
    /// <summary>Its name.</summary>
    public required string ComputerName { get; init; }

    /// <summary>Whether runs may be started there.</summary>
    public bool IsUsable { get; init; }

    /// <summary>The fleet's runs on it.</summary>
    public int Runs { get; init; }

    /// <summary>Why nothing may be started there, or what it offers.</summary>
    public required string Reason { get; init; }

    internal static TrainingFleetHost From(HostStatus host) => new() { ComputerName = host.Name, IsUsable = host.IsUsable, Runs = host.Runs, Reason = host.Reason };
}
