using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring.Status;

/// <summary>One object of a monitor's output; in JSON its <c>Kind</c> says which.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "Kind")]
[JsonDerivedType(typeof(GpuStatus), "Gpu")]
[JsonDerivedType(typeof(CpuStatus), "Cpu")]
[JsonDerivedType(typeof(MonitorAlert), "Alert")]
public abstract record MonitorRecord
{
    /// <summary>The host, as the operator named it; the host's own name where it is this one.</summary>
    [JsonPropertyOrder(-10)]
    public required string ComputerName { get; init; }

    /// <summary>When the values were read, UTC.</summary>
    [JsonPropertyOrder(-9)]
    public required DateTimeOffset Time { get; init; }

    /// <summary>Its place in the monitor's output, from 1, without gaps; 0 where it comes from no monitor.</summary>
    [JsonPropertyOrder(-9)]
    public long Sequence { get; internal set; }
}

/// <summary>What all status objects have in common. They are flat, so that they survive JSON, CSV and remoting.</summary>
public abstract record StatusRecord : MonitorRecord
{
    /// <summary>Whether the values are current. Where false, they are the last ones known, or null.</summary>
    [JsonPropertyOrder(-8)]
    public bool IsConnected { get; init; } = true;

    /// <summary>Since when the values are stale, UTC; null where they are current.</summary>
    [JsonPropertyOrder(-7)]
    public DateTimeOffset? StaleSince { get; init; }

    /// <summary>Why the values are stale or some are missing; null where nothing is wrong.</summary>
    [JsonPropertyOrder(-6)]
    public string? Error { get; init; }

    /// <summary>What reading the sample took, in milliseconds of real time.</summary>
    public double? SampleMilliseconds { get; internal set; }

    /// <summary>What reading the sample took of this process' CPU time, in milliseconds.</summary>
    public double? SampleCpuMilliseconds { get; internal set; }
}

/// <summary>How records are written as JSON: the names that the objects have in PowerShell, one object a line.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = false)]
[JsonSerializable(typeof(MonitorRecord))]
public sealed partial class MonitorJson : JsonSerializerContext;

/// <summary>A limit was passed, or is no longer.</summary>
public sealed record MonitorAlert : MonitorRecord
{
    /// <summary>Raised or cleared.</summary>
    public required AlertState State { get; init; }

    /// <summary>The rule, as it was written.</summary>
    public required string Rule { get; init; }

    /// <summary>The GPU's index; null where the rule is about the CPU.</summary>
    public int? Index { get; init; }

    /// <summary>The GPU's UUID; null where the rule is about the CPU.</summary>
    public string? Uuid { get; init; }

    /// <summary>The property that the rule watches.</summary>
    public required string Property { get; init; }

    /// <summary>The property's value now.</summary>
    public required double Value { get; init; }

    /// <summary>The limit.</summary>
    public required double Threshold { get; init; }

    /// <summary>Since when the limit has been passed, or the value been back, UTC.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>All of it as one sentence.</summary>
    public required string Message { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Message;
}

/// <summary>What an alert says.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AlertState>))]
public enum AlertState
{
    /// <summary>The limit has been passed for as long as the rule says.</summary>
    Raised,

    /// <summary>The value has been back for as long as the rule says.</summary>
    Cleared,
}
