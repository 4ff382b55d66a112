using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring.Alerts;

/// <summary>What an alert says.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AlertState>))]
public enum AlertState
{
    /// <summary>The limit has been passed for as long as the rule says.</summary>
    Raised,

    /// <summary>The value has been back for as long as the rule says.</summary>
    Cleared,
}
