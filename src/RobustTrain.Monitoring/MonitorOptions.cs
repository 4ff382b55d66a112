using System.Globalization;

namespace RobustTrain.Monitoring;

/// <summary>How a monitor samples.</summary>
public sealed record MonitorOptions
{
    /// <summary>The time from the begin of one sample to the begin of the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a sample may take before it is abandoned and the last values are marked stale.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many samples the minimum, maximum and mean are taken over.</summary>
    public int WindowSize { get; init; } = 10;

    /// <summary>The share of the time that expensive values (process lists, PCIe throughput) may take, 0 to 1; they are read as seldom as that needs.</summary>
    public double ExpensiveShare { get; init; } = 0.0001;

    /// <summary>Whether process lists are read, among the expensive values.</summary>
    public bool IncludeProcesses { get; init; }

    /// <summary>Whether PCIe throughput is read, among the expensive values: the driver measures it for 20 ms each time, for each GPU and direction.</summary>
    public bool IncludeThroughput { get; init; } = true;

    /// <summary>Whether the CPU's figures are given for each core too.</summary>
    public bool IncludeCores { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Checks the values.</summary>
    /// <exception cref="MonitorException">A value is out of range.</exception>
    public void Validate()
    {
        RequirePositive(nameof(Interval), Interval);
        RequirePositive(nameof(Timeout), Timeout);
        if (WindowSize < 1)
            throw new MonitorException("WindowSizeOutOfRange", $"The window size is {WindowSize}, but at least 1 sample is needed.", WindowSize);
        if (ExpensiveShare is not (> 0 and <= 1))
            throw new MonitorException("ExpensiveShareOutOfRange", string.Create(CultureInfo.InvariantCulture, $"The share of expensive values is {ExpensiveShare}, but it must be above 0 and at most 1."), ExpensiveShare);
    }

    private static void RequirePositive(string name, TimeSpan value)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1))
        {
            throw new MonitorException(
                $"{name}OutOfRange",
                string.Create(CultureInfo.InvariantCulture, $"The {name.ToLowerInvariant()} is {value.TotalSeconds} s, but it must be above 0 and at most a day."),
                value);
        }
    }
}
