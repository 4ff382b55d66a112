using System.Diagnostics;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Bench.Monitoring;

/// <summary>Many hosts at 1 Hz, each over a connection of its own, and then the same with one that hangs.</summary>
internal static class HostsBench
{
    private static readonly TimeSpan ConnectBound = TimeSpan.FromSeconds(90);

    public static async Task RunAsync(string config, int count, int seconds)
    {
        using var session = new MonitorSession(new MonitorSessionOptions
        {
            ComputerNames = [.. Enumerable.Range(1, count).Select(index => $"h{index}")],
            Kinds = MonitorKinds.Cpu,
            Ssh = new SshOptions { ConfigPath = config },
            Sampling = new MonitorOptions { Interval = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(60) },
        });
        session.Start();
        var watch = Stopwatch.StartNew();
        int Connected() => session.Health.Count(monitor => monitor.State == MonitorState.Connected);
        while (Connected() < count && watch.Elapsed < ConnectBound)
            await Task.Delay(100);

        Row.Write($"{count} hosts over ssh on loopback: connected", "all", $"{Connected()} after {watch.Elapsed.TotalSeconds:0.0} s");
        await MeasureAsync(session, "all well", count, seconds);

        // The client's own process stands still, as if the network had gone.
        int frozen = int.Parse((await RunAsync("sh", "-c", "ps -eo pid,args | awk '/ssh .* -- h1 sh$/ {print $1; exit}'")).Trim());
        await RunAsync("kill", "-STOP", $"{frozen}");
        await MeasureAsync(session, "one hung", count, seconds);
        watch.Restart();
        session.Stop(TimeSpan.FromSeconds(2));
        Row.Write($"{count} hosts, one hung: all stopped", "< 2000 ms", $"{watch.Elapsed.TotalMilliseconds:0} ms");
    }

    private static async Task MeasureAsync(MonitorSession session, string what, int count, int seconds)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long[] taken = [.. session.Health.Select(monitor => monitor.SamplesTaken)];
        var watch = Stopwatch.StartNew();
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        double used = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / watch.Elapsed.TotalSeconds;
        long[] gained = [.. session.Health.Select((monitor, index) => monitor.SamplesTaken - taken[index]).Order()];
        int connections = int.Parse((await RunAsync("sh", "-c", "ps -eo args | grep -cE 'ssh .* -- h[0-9]+ sh$'")).Trim());
        Row.Write(
            $"{count} hosts at 1 Hz, {what}",
            what == "all well" ? "no host loses a sample" : "none but the hung one loses a sample",
            $"{used:0.0} ms CPU a second in this process ({used / 10:0.0} % of one core), {connections} connections; samples a host in {seconds} s: least {gained[0]}, second least {gained[1]}, median {gained[count / 2]}, most {gained[^1]}");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return text;
    }
}
