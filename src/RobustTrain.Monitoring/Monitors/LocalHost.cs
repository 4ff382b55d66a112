using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Proc;
using RobustTrain.Monitoring.Sources.Windows;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Monitoring.Monitors;

/// <summary>This host.</summary>
public static class LocalHost
{
    /// <summary>Its name.</summary>
    public static string Name => Environment.MachineName;

    /// <summary>Where its CPU is read from.</summary>
    /// <exception cref="MonitorException">This system is not one whose CPU can be read.</exception>
    public static ISampleSource<CpuStatus> CpuSource(MonitorOptions options)
    {
        if (OperatingSystem.IsLinux())
            return new ProcCpuSource(Name, options);
        if (OperatingSystem.IsWindows())
            return new WindowsCpuSource(Name, options);
        throw new MonitorException("CpuNotSupported", "The CPU can be watched on Linux and Windows only.");
    }

    /// <summary>Whether a name means this host.</summary>
    public static bool Is(string name) => name is "." || name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.Equals(Name, StringComparison.OrdinalIgnoreCase);
}
