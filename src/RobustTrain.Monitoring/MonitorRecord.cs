using System.Text.Json.Serialization;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Cpu;
using RobustTrain.Monitoring.Gpu;

namespace RobustTrain.Monitoring;

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
