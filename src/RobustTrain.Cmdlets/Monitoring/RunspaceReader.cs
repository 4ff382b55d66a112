using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Cmdlets.Monitoring;

/// <summary>The sources that Get-GpuStatus keeps open between calls, one set for each runspace.</summary>
internal sealed class RunspaceReader : IRunspaceBound
{
    /// <summary>The sources.</summary>
    public StatusReader Reader { get; } = new();

    /// <summary>The current runspace's.</summary>
    public static StatusReader OfCurrentRunspace() => RunspaceLifetime.OfCurrentRunspace().GetOrAdd(() => new RunspaceReader()).Reader;

    /// <inheritdoc/>
    public void End() => Reader.Dispose();
}
