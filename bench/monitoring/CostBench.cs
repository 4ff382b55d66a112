using System.Runtime;
using RobustTrain.Monitoring;

namespace RobustTrain.Bench.Monitoring;

/// <summary>What a monitor of 8 GPUs and the CPU at 1 Hz costs this process, all its threads together.</summary>
internal static class CostBench
{
    private const int MostRounds = 18;

    /// <summary>Measures from the very start, or a minute like all later ones: after the runtime has compiled what is called often for the last time.</summary>
    public static async Task RunAsync(bool isSettled, int seconds)
    {
        if (isSettled)
            await SettleAsync();

        TimeSpan before = Environment.CpuUsage.TotalTime;
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long compiled = JitInfo.GetCompiledMethodCount();
        using var session = new MonitorSession(new MonitorSessionOptions());
        session.Start();
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        TimeSpan used = Environment.CpuUsage.TotalTime - before;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        double ticks = session.Health.Sum(monitor => monitor.SamplesTaken) / 2.0;
        double sampling = session.Health.Sum(monitor => monitor.CpuTime.TotalMilliseconds);
        string what = isSettled ? "once settled" : $"its first {seconds} s, from the start";
        Row.Write(
            $"monitor of 8 GPUs and the CPU at 1 Hz, {what}",
            "< 0.1 % of one core",
            $"{used.TotalSeconds / seconds * 100:0.000} % ({used.TotalMilliseconds:0} ms in {seconds} s, of which sampling {sampling:0} ms; {JitInfo.GetCompiledMethodCount() - compiled} methods compiled); {allocated / ticks / 1024:0.0} KiB a tick");
    }

    // Sessions at 50 Hz, one after another, until the runtime finds nothing more to compile in them: a shell that has had monitors for a while.
    private static async Task SettleAsync()
    {
        var options = new MonitorSessionOptions { Sampling = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(20) } };
        long compiled;
        int rounds = 0;
        do
        {
            compiled = JitInfo.GetCompiledMethodCount();
            using var warm = new MonitorSession(options);
            warm.Start();
            await Task.Delay(TimeSpan.FromSeconds(5));
        }
        while (JitInfo.GetCompiledMethodCount() > compiled && ++rounds < MostRounds);
    }
}
