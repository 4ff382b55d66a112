using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring;

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

    /// <summary>Checks the values.</summary>
    /// <exception cref="MonitorException">A value is out of range, or a rule watches what none of the kinds has.</exception>
    public void Validate()
    {
        Sampling.Validate();
        foreach (AlertRule rule in Alerts)
        {
            // It would never be raised, and nobody would hear why.
            if ((rule.Kinds & Kinds) == 0)
                throw new MonitorException("AlertNotWatched", $"The alert '{rule.Text}' watches {rule.Property}, which only a {rule.Kinds} status has, but only {Kinds} is watched.", rule);
        }
    }
}
