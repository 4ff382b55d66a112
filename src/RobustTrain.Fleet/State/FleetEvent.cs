using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Platform;

namespace RobustTrain.Fleet.State;

/// <summary>
/// One line of a fleet's journal: what was decided or found, written before it is acted on. The fleet's state is what they add up to
/// (<see cref="FleetState.Apply"/>).
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(FleetCreated), "fleet_created")]
[JsonDerivedType(typeof(FleetOpened), "fleet_opened")]
[JsonDerivedType(typeof(FleetClosed), "fleet_closed")]
[JsonDerivedType(typeof(MemberAdded), "member_added")]
[JsonDerivedType(typeof(MemberRemoved), "member_removed")]
[JsonDerivedType(typeof(HostAdded), "host_added")]
[JsonDerivedType(typeof(HostRemoved), "host_removed")]
[JsonDerivedType(typeof(StopAsked), "stop_asked")]
[JsonDerivedType(typeof(StartIntended), "start_intended")]
[JsonDerivedType(typeof(StartAnswered), "start_answered")]
[JsonDerivedType(typeof(EndAsked), "end_asked")]
[JsonDerivedType(typeof(StartEnded), "start_ended")]
public abstract record FleetEvent
{
    /// <summary>When, UTC, by the clock of the fleet's machine; the journal fills it in.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The request that asked for it, which is not taken a second time; null where the fleet decided it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Request { get; init; }
}

/// <summary>The fleet began to exist.</summary>
/// <param name="Format">The format of the journal.</param>
/// <param name="Id">Its id, by which hosts know whether they see the same folder.</param>
/// <param name="WorkingFolder">What relative paths in configurations are relative to.</param>
public sealed record FleetCreated(int Format, string Id, string WorkingFolder) : FleetEvent
{
    /// <summary>The format that this version writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>A process took hold of the fleet.</summary>
public sealed record FleetOpened(ProcessIdentity Process, string Version) : FleetEvent;

/// <summary>That process let go of it.</summary>
public sealed record FleetClosed(string Reason) : FleetEvent;

/// <summary>A configuration is to be trained; one that is known already is tried again.</summary>
/// <param name="Name">The name of its run's folder.</param>
/// <param name="Config">The configuration's file, absolute.</param>
/// <param name="Settings">Settings that win over it.</param>
public sealed record MemberAdded(string Name, string Config, IReadOnlyList<string> Settings) : FleetEvent;

/// <summary>A configuration is not to be trained any more; where it is at work it is stopped with a checkpoint first.</summary>
public sealed record MemberRemoved(string Name) : FleetEvent;

/// <summary>Runs may be started on a host.</summary>
public sealed record HostAdded(string Name) : FleetEvent;

/// <summary>No more runs on a host; those at work are stopped with a checkpoint and go on elsewhere.</summary>
public sealed record HostRemoved(string Name) : FleetEvent;

/// <summary>The fleet is to end.</summary>
/// <param name="Runs">Whether its runs are stopped first, each with a checkpoint.</param>
public sealed record StopAsked(bool Runs) : FleetEvent;

/// <summary>A run is about to be started. From this line on the host is the only one on which it may live, until <see cref="StartEnded"/>.</summary>
/// <param name="Start">The id that the trainer carries.</param>
/// <param name="Member">The configuration.</param>
/// <param name="Host">The host.</param>
/// <param name="Gpu">The GPU's UUID; null for a place on the CPU.</param>
/// <param name="GpuIndex">The GPU's index.</param>
public sealed record StartIntended(string Start, string Member, string Host, string? Gpu, int? GpuIndex) : FleetEvent;

/// <summary>The start has a process, or a job.</summary>
public sealed record StartAnswered(string Start, StartHandle Handle) : FleetEvent;

/// <summary>The process of a start was asked to end.</summary>
public sealed record EndAsked(string Start, EndReason Reason) : FleetEvent;

/// <summary>A start is over, and the run may be started again.</summary>
/// <param name="Start">The start.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="ExitCode">Its exit code, where it is known.</param>
/// <param name="Error">One sentence, where there is one.</param>
/// <param name="EpochsDone">The run's complete epochs then.</param>
public sealed record StartEnded(string Start, StartOutcome Outcome, int? ExitCode, string? Error, int EpochsDone) : FleetEvent;

/// <summary>What a start is on its host.</summary>
/// <param name="Process">Its process; null for a scheduler's job.</param>
/// <param name="Job">The scheduler's job; null for a process.</param>
public sealed record StartHandle(ProcessIdentity? Process, string? Job);

/// <summary>Why a run was asked to end.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EndReason>))]
public enum EndReason
{
    /// <summary>It made no step for too long.</summary>
    Stuck,

    /// <summary>Its configuration was removed.</summary>
    Removed,

    /// <summary>Its host was removed.</summary>
    HostRemoved,

    /// <summary>The fleet is to end with its runs.</summary>
    Stopped,
}

/// <summary>How a start ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StartOutcome>))]
public enum StartOutcome
{
    /// <summary>The run is finished.</summary>
    Finished,

    /// <summary>Stopped with a checkpoint.</summary>
    Stopped,

    /// <summary>It ended with an error.</summary>
    Failed,

    /// <summary>Its process went without a word.</summary>
    Died,

    /// <summary>Nothing was started.</summary>
    NeverBegan,

    /// <summary>Its host is gone, and its heartbeat with it.</summary>
    HostLost,

    /// <summary>Another process works on the run.</summary>
    RunInUse,
}

/// <summary>How the journal, requests and statuses are written: snake case, one object a line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(FleetEvent))]
[JsonSerializable(typeof(FleetStatus))]
internal sealed partial class FleetJson : JsonSerializerContext
{
    /// <summary>The same with readable paths: the texts go to files and pipes, never into HTML.</summary>
    public static FleetJson Readable => field ??= new FleetJson(new JsonSerializerOptions(Default.GeneratedSerializerOptions!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = null });
}
