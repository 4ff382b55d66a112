using System.Diagnostics;
using System.Globalization;

namespace RobustTrain.Data.Loading;

/// <summary>How busy the machine's processors are.</summary>
public static class HostProcessors
{
    /// <summary>The seconds that all processors of the machine have been idle, summed; where the system does not say, as if all always were.</summary>
    public static double IdleSeconds()
    {
        if (!OperatingSystem.IsLinux())
            return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency * Environment.ProcessorCount;
        // proc(5), the second figure of uptime: idle time summed over all processors.
        string[] figures = File.ReadAllText("/proc/uptime").Split(' ');
        return double.Parse(figures[1], CultureInfo.InvariantCulture);
    }
}
