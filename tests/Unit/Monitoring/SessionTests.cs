using System.Collections.Concurrent;
using System.Text.Json;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources;
using RobustTrain.Monitoring.Status;

namespace RobustTrain.Tests.Monitoring;

[Collection("monitors, whose threads and children are counted")]
public sealed class SessionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string folder = Directory.CreateTempSubdirectory("session").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Records_come_in_order_without_gaps_and_stand_in_the_file_as_JSON()
    {
        string path = Path.Combine(folder, "samples.ndjson");
        var seen = new BlockingCollection<MonitorRecord>();
        using (var session = new MonitorSession(Options(3) with { OutputPath = path, Alerts = [AlertRule.Parse("UtilizationPercent >= 0")] }))
        {
            session.Written += seen.Add;
            session.Start();
            Assert.True(SpinWait.SpinUntil(() => seen.Count >= 20, Patience));
            Assert.True(session.Stop(Patience));
        }

        Assert.Equal(Enumerable.Range(1, seen.Count).Select(i => (long)i), seen.Select(record => record.Sequence));
        Assert.Equal(3, seen.OfType<GpuStatus>().Select(gpu => gpu.Uuid).Distinct().Count());
        Assert.NotEmpty(seen.OfType<CpuStatus>());
        Assert.Equal(3, seen.OfType<MonitorAlert>().Count(alert => alert.Uuid is not null));

        JsonElement[] lines = [.. File.ReadAllLines(path).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(seen.Select(record => record.Sequence), lines.Select(line => line.GetProperty("Sequence").GetInt64()));
        Assert.Equal(
            seen.Select(record => record switch { GpuStatus => "Gpu", CpuStatus => "Cpu", _ => "Alert" }),
            lines.Select(line => line.GetProperty("Kind").GetString()));
        JsonElement gpu = lines.First(line => line.GetProperty("Kind").GetString() == "Gpu");
        Assert.Equal(80L << 30, gpu.GetProperty("MemoryTotalBytes").GetInt64());
        Assert.False(gpu.TryGetProperty("FanPercent", out _));
    }

    [Fact]
    public void Windows_hold_as_many_samples_as_was_said()
    {
        var seen = new BlockingCollection<MonitorRecord>();
        using var session = new MonitorSession(Options(1) with { Kinds = MonitorKinds.Gpu });
        session.Written += seen.Add;
        session.Start();
        Assert.True(SpinWait.SpinUntil(() => seen.Count >= 8, Patience));
        session.Stop(Patience);
        GpuStatus[] gpus = [.. seen.Cast<GpuStatus>()];
        Assert.Equal(gpus[0].PowerWatts, gpus[0].PowerWattsMean);
        GpuStatus[] window = gpus[5..8];
        Assert.Equal(window.Max(gpu => gpu.PowerWatts), gpus[7].PowerWattsMax);
        Assert.Equal(window.Min(gpu => gpu.MemoryUsedBytes), (long)gpus[7].MemoryUsedBytesMin!);
        Assert.NotNull(gpus[7].SampleMilliseconds);
    }

    [Fact]
    public void A_listener_that_stops_the_session_from_within_does_not_deadlock()
    {
        using var session = new MonitorSession(Options(1));
        using var stopped = new ManualResetEventSlim();
        session.Written += _ =>
        {
            session.Stop(TimeSpan.FromSeconds(5));
            stopped.Set();
        };
        session.Start();
        Assert.True(stopped.Wait(Patience));
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_refused_before_anything_starts()
    {
        Assert.Equal("OutputFolderNotFound", Refused(Options(1) with { OutputPath = Path.Combine(folder, "no", "file") }));
        Assert.Equal("OutputNotWritable", Refused(Options(1) with { OutputPath = folder }));
    }

    [Fact]
    public void An_output_that_fails_later_ends_the_file_and_not_the_session()
    {
        using var session = new MonitorSession(Options(1) with { OutputPath = "/dev/full" });
        using var failed = new ManualResetEventSlim();
        session.OutputFailed += _ => failed.Set();
        session.Start();
        Assert.True(failed.Wait(Patience));
        long before = session.Health[0].SamplesTaken;
        Assert.True(SpinWait.SpinUntil(() => session.Health[0].SamplesTaken > before + 2, Patience));
        Assert.Contains("no longer written", session.OutputError, StringComparison.Ordinal);
    }

    [LinuxFact("On Windows a second writer is refused.")]
    public void Two_writers_of_one_file_lose_no_line_and_tear_none()
    {
        string path = Path.Combine(folder, "both.ndjson");
        var seen = new ConcurrentBag<MonitorRecord>();
        MonitorSession[] sessions = [.. Enumerable.Range(0, 2).Select(_ => new MonitorSession(Options(8) with { OutputPath = path, Kinds = MonitorKinds.Gpu }))];
        foreach (MonitorSession session in sessions)
        {
            session.Written += seen.Add;
            session.Start();
        }

        Assert.True(SpinWait.SpinUntil(() => seen.Count >= 400, Patience));
        foreach (MonitorSession session in sessions)
            session.Dispose();

        string[] lines = File.ReadAllLines(path);
        Assert.Equal(seen.Count, lines.Length);
        Assert.Equal(seen.Select(record => record.Sequence).Order(), lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Sequence").GetInt64()).Order());
    }

    [LinuxFact("On Windows a second writer is refused.")]
    public void A_file_that_is_emptied_in_place_begins_anew()
    {
        string path = Path.Combine(folder, "rotated.ndjson");
        using var session = new MonitorSession(Options(1) with { OutputPath = path });
        session.Start();
        Assert.True(SpinWait.SpinUntil(() => new FileInfo(path).Length > 0, Patience));
        using (var rotated = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            rotated.SetLength(0);

        long taken = session.Health[0].SamplesTaken;
        Assert.True(SpinWait.SpinUntil(() => session.Health[0].SamplesTaken > taken + 3, Patience));
        session.Dispose();
        Assert.NotEmpty(File.ReadAllText(path));
        Assert.DoesNotContain('\0', File.ReadAllText(path));
    }

    [Fact]
    public void A_rule_about_what_no_kind_has_is_refused()
    {
        var error = Assert.Throws<MonitorException>(() => new MonitorSession(Options(1) with { Kinds = MonitorKinds.Cpu, Alerts = [AlertRule.Parse("powerwatts > 300")] }));
        Assert.Equal("AlertNotWatched", error.ErrorId);
        Assert.Equal("The alert 'powerwatts > 300' watches PowerWatts, which only a Gpu status has, but only Cpu is watched.", error.Message);
        Assert.Equal("AlertNotWatched", Refused(Options(1) with { Kinds = MonitorKinds.Gpu, Alerts = [AlertRule.Parse("LoadAverage1 > 3")] }));
        new MonitorSession(Options(1) with { Kinds = MonitorKinds.Gpu, Alerts = [AlertRule.Parse("UtilizationPercent > 3"), AlertRule.Parse("IsConnected < 1")] }).Dispose();
    }

    [Theory]
    [InlineData("auto", null)]
    [InlineData("NVML", null)]
    [InlineData("simulated:8", 8)]
    public void Sources_are_read(string text, int? simulated) => Assert.Equal(simulated, GpuSourceSpec.Parse(text).Simulated);

    [Theory]
    [InlineData("simulated:0")]
    [InlineData("simulated")]
    [InlineData("nvlm")]
    [InlineData("")]
    public void What_is_no_source_is_refused(string text) => Assert.Throws<FormatException>(() => GpuSourceSpec.Parse(text));

    [Fact]
    public async Task A_reader_answers_and_a_hung_source_fails_at_once_the_second_time()
    {
        ScriptedSource source = null!;
        source = new ScriptedSource(() => "one", () => source.Hang(), () => "three");
        using var reader = new OnDemandReader<string>(() => source, TimeSpan.FromSeconds(30), TimeProvider.System);
        Assert.Equal("one", await reader.ReadAsync(SampleDetail.Full, Patience, CancellationToken.None));
        Assert.Equal("SampleTimedOut", (await Assert.ThrowsAsync<MonitorException>(() => reader.ReadAsync(SampleDetail.Full, TimeSpan.FromMilliseconds(50), CancellationToken.None))).ErrorId);
        Assert.Equal("SourceHangs", (await Assert.ThrowsAsync<MonitorException>(() => reader.ReadAsync(SampleDetail.Full, Patience, CancellationToken.None))).ErrorId);
        source.Release.Set();
        string? answer = null;
        while (answer is null)
        {
            try
            {
                answer = await reader.ReadAsync(SampleDetail.Full, Patience, CancellationToken.None);
            }
            catch (MonitorException hangs) when (hangs.ErrorId == "SourceHangs")
            {
                await Task.Yield();
            }
        }

        Assert.Equal("three", answer);
    }

    [Fact]
    public async Task A_reader_that_nobody_asks_lets_go_of_its_source_and_opens_another_when_asked_again()
    {
        var opened = new List<ScriptedSource>();
        using var reader = new OnDemandReader<string>(
            () =>
            {
                opened.Add(new ScriptedSource(() => "one"));
                return opened[^1];
            },
            TimeSpan.FromMilliseconds(20),
            TimeProvider.System);
        await reader.ReadAsync(SampleDetail.Full, Patience, CancellationToken.None);
        Assert.True(opened[0].Disposed.Wait(Patience));
        Assert.Equal("one", await reader.ReadAsync(SampleDetail.Full, Patience, CancellationToken.None));
        Assert.Equal(2, opened.Count);
    }

    [Fact]
    public void A_system_monitor_of_this_host_tells_CPU_and_GPUs_together()
    {
        using var monitor = SystemMonitor.Local(gpuSource: GpuSourceSpec.Parse("simulated:2"), options: new MonitorOptions { Interval = TimeSpan.FromMilliseconds(20) });
        monitor.Start();
        Assert.True(SpinWait.SpinUntil(() => monitor.Latest is { Cpu.UtilizationPercent: not null, Gpus.Count: 2 }, Patience));
        Assert.Equal(Environment.MachineName, monitor.Latest.ComputerName);
    }

    private static string Refused(MonitorSessionOptions options) => Assert.Throws<MonitorException>(() => new MonitorSession(options)).ErrorId;

    private static MonitorSessionOptions Options(int gpus) => new()
    {
        GpuSource = GpuSourceSpec.Parse($"simulated:{gpus}"),
        Sampling = new MonitorOptions { Interval = TimeSpan.FromMilliseconds(20), WindowSize = 3 },
    };
}
