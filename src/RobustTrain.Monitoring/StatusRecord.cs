using System.Text.Json.Serialization;

namespace RobustTrain.Monitoring;

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
