using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring.Status;

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
