namespace RobustTrain.Monitoring.Status;

/// <summary>What of a host is watched.</summary>
[Flags]
public enum MonitorKinds
{
    /// <summary>Its GPUs.</summary>
    Gpu = 1,

    /// <summary>Its CPU and memory.</summary>
    Cpu = 2,
}
