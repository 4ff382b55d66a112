using System.Diagnostics;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Bench.Monitoring;

/// <summary>How long a stop takes at random moments.</summary>
internal static class StopBench
{
    public static void Run(string kind, int count)
    {
        var random = new Random(1);
        var latencies = new List<double>();
        for (int round = 0; round < count; round++)
        {
            using var session = new MonitorSession(Options(kind));
            session.Start();
            Thread.Sleep(20 + random.Next(0, 250));
            long begin = Stopwatch.GetTimestamp();
            session.Stop(IMonitor.StopBound);
            latencies.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        latencies.Sort();
        Row.Write(
            $"stop, {kind}, {count} times at random moments",
            kind == "hung" ? "< 2000 ms" : "< 50 ms",
            $"median {latencies[count / 2]:0.00} ms, 99 % {latencies[count * 99 / 100]:0.0} ms, maximum {latencies[^1]:0.0} ms");
    }

    // A share of 1 makes every sample a full one, which the stub, as a driver, measures for 320 ms: nearly every stop falls into one.
    private static MonitorSessionOptions Options(string kind) => new()
    {
        Kinds = kind == "idle" ? MonitorKinds.Gpu | MonitorKinds.Cpu : MonitorKinds.Gpu,
        Sampling = new MonitorOptions
        {
            Interval = kind == "idle" ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(1),
            Timeout = kind == "hung" ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(30),
            ExpensiveShare = kind == "sampling" ? 1 : 0.001,
            IncludeThroughput = kind == "sampling",
        },
    };
}
