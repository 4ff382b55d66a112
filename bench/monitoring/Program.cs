using System.Diagnostics;
using System.Globalization;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Remote;
using RobustTrain.Monitoring.Sessions;

// cost SECONDS                 CPU time and allocation of a monitor of 8 GPUs (ROBUSTTRAIN_NVML) and the CPU at 1 Hz
// stop KIND COUNT              latency of stops at random moments: idle, sampling, hung
// hosts CONFIG COUNT SECONDS   many hosts h1..hCOUNT of an ssh configuration at 1 Hz
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
return args switch
{
    ["cost", var seconds] => await CostAsync(int.Parse(seconds)),
    ["stop", var kind, var count] => Stop(kind, int.Parse(count)),
    ["hosts", var config, var count, var seconds] => await HostsAsync(config, int.Parse(count), int.Parse(seconds)),
    _ => 2,
};

static async Task<int> CostAsync(int seconds)
{
    // The runtime compiles what is called often a second and a third time, at 1 Hz after half a minute and a minute; done beforehand,
    // so that a minute like all later ones is measured.
    using (var warm = new MonitorSession(new MonitorSessionOptions { Sampling = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(20) } }))
    {
        warm.Start();
        await Task.Delay(TimeSpan.FromSeconds(15));
    }

    using var session = new MonitorSession(new MonitorSessionOptions());
    session.Start();
    await Task.Delay(TimeSpan.FromSeconds(5));
    TimeSpan before = Environment.CpuUsage.TotalTime;
    long allocated = GC.GetTotalAllocatedBytes(precise: true);
    long samples = session.Health.Sum(monitor => monitor.SamplesTaken);
    await Task.Delay(TimeSpan.FromSeconds(seconds));
    TimeSpan used = Environment.CpuUsage.TotalTime - before;
    allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
    samples = session.Health.Sum(monitor => monitor.SamplesTaken) - samples;
    Console.WriteLine($"monitor, 8 GPUs and CPU at 1 Hz: {used.TotalMilliseconds:0.0} ms CPU over {seconds} s = {used.TotalSeconds / seconds * 100:0.000} % of one core; {allocated / (samples / 2.0) / 1024:0.0} KiB a tick; {samples} samples");
    foreach (MonitorHealth monitor in session.Health)
        Console.WriteLine($"  {monitor.Source}: last sample {monitor.LastCost.Elapsed.TotalMilliseconds:0.000} ms, CPU {monitor.LastCost.Cpu.TotalMilliseconds:0.000} ms, {monitor.LastCost.AllocatedBytes} B");

    return 0;
}

static int Stop(string kind, int count)
{
    var random = new Random(1);
    var latencies = new List<double>();
    TimeSpan interval = kind == "idle" ? TimeSpan.FromSeconds(1) : TimeSpan.FromMilliseconds(1);
    for (int round = 0; round < count; round++)
    {
        // A share of 1 makes every sample a full one, which the driver measures for 320 ms: nearly every stop falls into one.
        using var session = new MonitorSession(new MonitorSessionOptions
        {
            Kinds = kind == "idle" ? MonitorKinds.Gpu | MonitorKinds.Cpu : MonitorKinds.Gpu,
            Sampling = new MonitorOptions
            {
                Interval = interval,
                Timeout = kind == "hung" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(30),
                ExpensiveShare = kind == "sampling" ? 1 : 0.001,
                IncludeThroughput = kind == "sampling",
            },
        });
        session.Start();
        Thread.Sleep(kind == "hung" ? random.Next(0, 400) : 50 + random.Next(0, 500));
        long begin = Stopwatch.GetTimestamp();
        session.Stop(TimeSpan.FromMilliseconds(500));
        latencies.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
    }

    latencies.Sort();
    Console.WriteLine($"stop, {kind}: {count} stops, median {latencies[count / 2]:0.00} ms, 99 % {latencies[count * 99 / 100]:0.00} ms, maximum {latencies[^1]:0.00} ms");
    return 0;
}

static async Task<int> HostsAsync(string config, int count, int seconds)
{
    string[] hosts = [.. Enumerable.Range(1, count).Select(index => $"h{index}")];
    using var session = new MonitorSession(new MonitorSessionOptions
    {
        ComputerNames = hosts,
        Kinds = MonitorKinds.Cpu,
        Ssh = new SshOptions { ConfigPath = config },
        Sampling = new MonitorOptions { Interval = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(60) },
    });
    session.Start();
    var watch = Stopwatch.StartNew();
    int Connected() => session.Health.Count(monitor => monitor.State == MonitorState.Connected);
    while (Connected() < count && watch.Elapsed < TimeSpan.FromMinutes(4))
        await Task.Delay(100);

    Console.WriteLine($"hosts: {Connected()} of {count} connected after {watch.Elapsed.TotalSeconds:0.0} s");
    await MeasureAsync("all well");

    // One host hangs: the client's own process stands still, as if the network had gone.
    int frozen = int.Parse((await RunAsync("sh", "-c", "ps -eo pid,args | awk '/ssh .* -- h1 sh$/ {print $1; exit}'")).Trim());
    await RunAsync("kill", "-STOP", frozen.ToString());
    await MeasureAsync("one hung");
    var stop = Stopwatch.StartNew();
    session.Stop(TimeSpan.FromSeconds(2));
    Console.WriteLine($"hosts: all stopped in {stop.Elapsed.TotalMilliseconds:0} ms");
    return 0;

    async Task MeasureAsync(string what)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long[] taken = [.. session.Health.Select(monitor => monitor.SamplesTaken)];
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        TimeSpan used = Environment.CpuUsage.TotalTime - before;
        long[] gained = [.. session.Health.Select((monitor, index) => monitor.SamplesTaken - taken[index]).Order()];
        int connections = int.Parse((await RunAsync("sh", "-c", "ps -eo args | grep -cE 'ssh .* -- h[0-9]+ sh$'")).Trim());
        Console.WriteLine($"hosts, {what}: {used.TotalMilliseconds / seconds:0.0} ms CPU a second in this process, {connections} connections, samples a host in {seconds} s: least {gained[0]}, 2nd least {gained[1]}, median {gained[count / 2]}, most {gained[^1]}");
    }
}

static async Task<string> RunAsync(string program, params string[] arguments)
{
    using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
    string text = await process.StandardOutput.ReadToEndAsync();
    await process.WaitForExitAsync();
    return text;
}
