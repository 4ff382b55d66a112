using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Fleet.State;
using RobustTrain.Platform;

namespace RobustTrain.Fleet.Hosts;

/// <summary>What a fleet asks of <c>robusttrain fleet agent</c> on a host: one JSON object a line, answered by one.</summary>
internal sealed record AgentRequest
{
    /// <summary>How things stand: the host's figures, and what it knows of some starts.</summary>
    public ObserveRequest? Observe { get; init; }

    /// <summary>Start a run.</summary>
    public StartOrder? Start { get; init; }

    /// <summary>End a run.</summary>
    public EndRequest? End { get; init; }
}

/// <summary>Asks how a host stands.</summary>
/// <param name="Path">The fleet's folder.</param>
/// <param name="Fleet">The fleet's id, by which the host knows whether it sees the same folder.</param>
/// <param name="GpuSource">Where GPUs are read from.</param>
/// <param name="Starts">The starts in question.</param>
internal sealed record ObserveRequest(string Path, string Fleet, string GpuSource, IReadOnlyList<StartQuestion> Starts);

/// <summary>A start in question.</summary>
/// <param name="Start">Its id.</param>
/// <param name="Process">Its process, where the fleet knows it.</param>
internal sealed record StartQuestion(string Start, ProcessIdentity? Process);

/// <summary>What is to be started.</summary>
/// <param name="Path">The fleet's folder.</param>
/// <param name="Start">The id that the trainer carries.</param>
/// <param name="WorkingFolder">What relative paths are relative to.</param>
/// <param name="Arguments">The arguments of <c>robusttrain</c>.</param>
/// <param name="Gpu">The UUID or the index of the only GPU that it may use; null for none.</param>
/// <param name="Member">The run's name, for a scheduler's lists.</param>
/// <param name="NeedsGpu">Whether it trains on a GPU, which a scheduler chooses.</param>
public sealed record StartOrder(string Path, string Start, string WorkingFolder, IReadOnlyList<string> Arguments, string? Gpu, string Member, bool NeedsGpu);

/// <summary>Asks a run to end.</summary>
/// <param name="Process">Its process.</param>
/// <param name="Kill">Whether at once, without a checkpoint.</param>
internal sealed record EndRequest(ProcessIdentity Process, bool Kill);

/// <summary>An answer.</summary>
internal sealed record AgentReply
{
    /// <summary>Why it could not be done, one sentence; null where it was.</summary>
    public string? Error { get; init; }

    /// <summary>How things stand.</summary>
    public HostReading? Reading { get; init; }

    /// <summary>The process that was started.</summary>
    public ProcessIdentity? Process { get; init; }
}

/// <summary>An agent's first line: who answers.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Machine">The machine's own name.</param>
internal sealed record AgentHello(string Version, string Machine)
{
    /// <summary>What the line begins with; what a login script prints before lies outside.</summary>
    public const string Mark = "@robusttrain-fleet ";
}

/// <summary>How a host stands.</summary>
internal sealed record HostReading
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>Whether it sees the folder of this very fleet.</summary>
    public required bool SeesFleet { get; init; }

    public long? DiskFreeBytes { get; init; }

    public int? Cores { get; init; }

    public double? CpuPercent { get; init; }

    public double? Load { get; init; }

    public long? MemoryFreeBytes { get; init; }

    public IReadOnlyList<AgentGpu>? Gpus { get; init; }

    public IReadOnlyDictionary<string, StartSighting>? Starts { get; init; }
}

/// <summary>A GPU, as far as a fleet cares.</summary>
internal sealed record AgentGpu(int? Index, string? Uuid, string? Name, string? Device, bool IsConnected, int? UtilizationPercent, long? MemoryTotalBytes, long? MemoryFreeBytes);

/// <summary>How messages are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AgentHello))]
[JsonSerializable(typeof(AgentRequest))]
[JsonSerializable(typeof(AgentReply))]
internal sealed partial class AgentJson : JsonSerializerContext
{
    /// <summary>The same with readable paths.</summary>
    public static AgentJson Readable => field ??= new AgentJson(new JsonSerializerOptions(Default.GeneratedSerializerOptions!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = null });
}
