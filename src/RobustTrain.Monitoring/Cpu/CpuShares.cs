namespace RobustTrain.Monitoring.Cpu;

/// <summary>How a core, or all together, spent the time between two readings, in percent.</summary>
internal readonly record struct CpuShares(double Utilization, double User, double System, double IoWait, double Steal);
