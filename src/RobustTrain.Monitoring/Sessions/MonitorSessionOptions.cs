using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Gpu;
using RobustTrain.Monitoring.Remote;

namespace RobustTrain.Monitoring.Sessions;

/// <summary>What a session watches and where its output goes.</summary>
public sealed record MonitorSessionOptions
{
    /// <summary>What of each host is watched.</summary>
    public MonitorKinds Kinds { get; init; } = MonitorKinds.Gpu | MonitorKinds.Cpu;

    /// <summary>The hosts; none means this one.</summary>
    public IReadOnlyList<string> ComputerNames { get; init; } = [];

    /// <summary>How to sample.</summary>
    public MonitorOptions Sampling { get; init; } = new();

    /// <summary>Where this host's GPUs are read from.</summary>
    public GpuSourceSpec GpuSource { get; init; } = GpuSourceSpec.Auto;

    /// <summary>How other hosts are reached.</summary>
    public SshOptions Ssh { get; init; } = new();

    /// <summary>The limits.</summary>
    public IReadOnlyList<AlertRule> Alerts { get; init; } = [];

    /// <summary>A file to which records are appended as JSON, one a line; null for none.</summary>
    public string? OutputPath { get; init; }
}
