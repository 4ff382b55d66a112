namespace RobustTrain.Monitoring;

/// <summary>What one sample cost.</summary>
/// <param name="Elapsed">Real time.</param>
/// <param name="Cpu">CPU time of the sampling thread.</param>
/// <param name="AllocatedBytes">Managed memory allocated.</param>
public readonly record struct SampleCost(TimeSpan Elapsed, TimeSpan Cpu, long AllocatedBytes);
