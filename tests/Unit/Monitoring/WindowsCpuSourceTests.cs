using System.Diagnostics;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Sources.Windows;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

/// <summary>What Windows tells of its processors and processes.</summary>
public sealed class WindowsCpuSourceTests
{
    private static readonly MonitorOptions s_options = new() { IncludeCores = true, IncludeProcesses = true };

    [WindowsFact]
    public void Each_core_has_its_share_from_the_second_sample_on()
    {
        if (!OperatingSystem.IsWindows())
            return;
        using WindowsCpuSource source = new("host", s_options);
        CpuStatus first = source.Sample(SampleDetail.Full);
        Assert.Null(first.UtilizationPercent);
        Assert.Equal(first.LogicalCores, first.Cores!.Count);
        Assert.All(first.Cores, core => Assert.Null(core.UtilizationPercent));

        Work();
        CpuStatus second = source.Sample(SampleDetail.Cheap);
        Assert.InRange(second.UtilizationPercent!.Value, double.Epsilon, 100);
        Assert.All(second.Cores!, core => Assert.InRange(core.UtilizationPercent!.Value, 0, 100));
        Assert.Contains(second.Cores!, core => core.UtilizationPercent > 0);
    }

    [WindowsFact]
    public void A_process_has_its_user_its_command_its_start_and_its_share_of_the_CPU()
    {
        if (!OperatingSystem.IsWindows())
            return;
        using Process self = Process.GetCurrentProcess();
        using WindowsCpuSource source = new("host", s_options);
        HostProcess before = Assert.Single(source.Sample(SampleDetail.Full).Processes!, process => process.ProcessId == self.Id);
        Assert.Equal($@"{Environment.UserDomainName}\{Environment.UserName}", before.User, ignoreCase: true);
        Assert.Equal(Path.GetFileName(Environment.ProcessPath), before.Name, ignoreCase: true);
        Assert.Contains(before.Name!, before.Command!, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(self.StartTime.ToUniversalTime(), before.StartTime!.Value.UtcDateTime, TimeSpan.FromSeconds(1));
        Assert.Null(before.CpuPercent);

        Work();
        HostProcess after = Assert.Single(source.Sample(SampleDetail.Full).Processes!, process => process.ProcessId == self.Id);
        Assert.True(after.CpuPercent > 0);
        Assert.True(after.MemoryBytes > 0);
    }

    [WindowsFact]
    public void Threads_are_counted_and_load_averages_are_none()
    {
        if (!OperatingSystem.IsWindows())
            return;
        using WindowsCpuSource source = new("host", new MonitorOptions());
        CpuStatus status = source.Sample(SampleDetail.Full);
        Assert.True(status.TotalTasks >= Process.GetCurrentProcess().Threads.Count);
        Assert.InRange(status.RunnableTasks!.Value, 0, status.TotalTasks!.Value);
        Assert.Null(status.LoadAverage1);
        Assert.Null(status.Processes);
    }

    // Longer than the clock by which Windows counts, 16 ms.
    private static void Work()
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan end = self.TotalProcessorTime + TimeSpan.FromMilliseconds(100);
        while (self.TotalProcessorTime < end)
            self.Refresh();
    }
}
