namespace RobustTrain.Runs.Events;

/// <summary>A configuration of a fleet stands otherwise than before, by <c>robusttrain fleet</c>.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="State">queued, running, finished, failed, stuck or outdated.</param>
/// <param name="Reason">Why, in a sentence without a full stop.</param>
/// <param name="RunPath">Its run's folder, whether there is a run yet or not.</param>
/// <param name="Config">Its file.</param>
/// <param name="ComputerName">The host on which it is at work; null where it is not.</param>
/// <param name="GpuIndex">The index of its GPU there; null for a place on the CPU.</param>
/// <param name="EpochsDone">The complete epochs.</param>
/// <param name="Epochs">The epochs to train; null where nobody knows yet.</param>
/// <param name="Failures">Failures in a row.</param>
public sealed record FleetMemberChanged(
    string Name, string State, string Reason, string RunPath, string? Config, string? ComputerName, int? GpuIndex, int EpochsDone, int? Epochs, int Failures) : RunEvent;

/// <summary>A host of a fleet stands otherwise than before, by <c>robusttrain fleet</c>.</summary>
/// <param name="ComputerName">Its name.</param>
/// <param name="IsUsable">Whether runs may be started there.</param>
/// <param name="Reason">Why not, or what it offers.</param>
/// <param name="Runs">The fleet's runs on it.</param>
public sealed record FleetHostChanged(string ComputerName, bool IsUsable, string Reason, int Runs) : RunEvent;
