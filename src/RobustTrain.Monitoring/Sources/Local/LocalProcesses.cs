using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Sources.Windows;

namespace RobustTrain.Monitoring.Sources.Local;

/// <summary>This host's processes, as its system tells of them.</summary>
internal static class LocalProcesses
{
    /// <summary>The table of them.</summary>
    public static IProcessTable Table(TimeProvider clock) => OperatingSystem.IsWindows() ? new WindowsProcessTable(clock) : new ProcessTable("/", clock);
}
