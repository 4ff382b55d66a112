using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Fleet;

/// <summary>All that a decision rests on beside the fleet's own state.</summary>
/// <param name="Now">The time, UTC.</param>
/// <param name="Hosts">The hosts by name.</param>
/// <param name="Runs">The members' runs by the members' names.</param>
public sealed record FleetObservation(DateTimeOffset Now, IReadOnlyDictionary<string, HostObservation> Hosts, IReadOnlyDictionary<string, RunObservation> Runs);

/// <summary>A host as it was seen in one look.</summary>
public sealed record HostObservation
{
    /// <summary>Why nothing may be started there, in a sentence without a full stop; null where its figures decide.</summary>
    public string? Problem { get; init; }

    /// <summary>How long it has not answered; zero where it answered now.</summary>
    public TimeSpan SilentFor { get; init; }

    /// <summary>Whether it is a scheduler that queues by itself, so that figures don't matter.</summary>
    public bool IsScheduler { get; init; }

    /// <summary>Its logical cores.</summary>
    public int? Cores { get; init; }

    /// <summary>Its CPU's utilisation, in percent.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Its load average over a minute; null where the system keeps none.</summary>
    public double? Load { get; init; }

    /// <summary>The memory that a program could get there, in bytes.</summary>
    public long? MemoryFreeBytes { get; init; }

    /// <summary>What is free on the disk of the fleet's folder as seen from there, in bytes.</summary>
    public long? DiskFreeBytes { get; init; }

    /// <summary>Its GPUs.</summary>
    public IReadOnlyList<GpuStatus> Gpus { get; init; } = [];

    /// <summary>What it knows of starts, by their ids.</summary>
    public IReadOnlyDictionary<string, StartSighting> Starts { get; init; } = new Dictionary<string, StartSighting>();
}

/// <summary>What a host knows of a start.</summary>
/// <param name="State">How it stands.</param>
/// <param name="Handle">Its process or job, where there is one.</param>
/// <param name="Word">What a scheduler says of its end; null where nobody says anything.</param>
public sealed record StartSighting(SightingState State, StartHandle? Handle, string? Word = null);

/// <summary>How a start stands on its host.</summary>
public enum SightingState
{
    /// <summary>It lives.</summary>
    Alive,

    /// <summary>A scheduler has not begun it yet.</summary>
    Waiting,

    /// <summary>It has ended.</summary>
    Gone,

    /// <summary>It did not begin, and never will.</summary>
    Never,

    /// <summary>It may be about to begin.</summary>
    Unsettled,
}

/// <summary>A run as its folder tells it.</summary>
public sealed record RunObservation
{
    /// <summary>Why its configuration can't be trained, in a sentence; null where it can.</summary>
    public string? Problem { get; init; }

    /// <summary>How its configuration differs from the one with which the run was begun, in a sentence; null where it does not.</summary>
    public string? Outdated { get; init; }

    /// <summary>Whether it trains on a GPU.</summary>
    public bool NeedsGpu { get; init; }

    /// <summary>The epochs to train; null where the configuration can't be read.</summary>
    public int? Epochs { get; init; }

    /// <summary>What its record says; null where there is no run yet.</summary>
    public RunState? State { get; init; }

    /// <summary>The process that works, or worked last, on it.</summary>
    public ProcessIdentity? Process { get; init; }

    /// <summary>The complete epochs.</summary>
    public int EpochsDone { get; init; }

    /// <summary>Whether it is finished, and nothing more is asked of it.</summary>
    public bool IsFinished { get; init; }

    /// <summary>The exit code that it recorded.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The error that it recorded, one sentence.</summary>
    public string? Error { get; init; }

    /// <summary>How long it has made no step.</summary>
    public TimeSpan SinceProgress { get; init; }

    /// <summary>How long its heartbeat has stood still.</summary>
    public TimeSpan SinceBeat { get; init; }

    /// <summary>Whether the process that works on it is of the present start. A start that has not opened its run yet, has not.</summary>
    public bool IsOfStart { get; init; }

    /// <summary>How the present start ended, by its own output; null where it says nothing.</summary>
    public StartEnd? End { get; init; }
}

/// <summary>How a start ended, by its own output.</summary>
/// <param name="ExitCode">The exit code.</param>
/// <param name="Error">One sentence, where it failed.</param>
/// <param name="ErrorId">The error's stable id.</param>
public sealed record StartEnd(int ExitCode, string? Error, string? ErrorId);
