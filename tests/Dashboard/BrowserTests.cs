using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using RobustTrain.Fleet.State;
using RobustTrain.Monitoring.Alerts;

namespace RobustTrain.Tests.Dashboard;

/// <summary>The page in headless Chromium, driven by <c>browser/page.mjs</c>.</summary>
public sealed class BrowserTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [BrowserFact]
    public async Task Every_view_shows_what_the_runs_have_and_one_is_stopped_through_it()
    {
        using Victim victim = new();
        const string script = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>";
        TestRun finished = new TestRun(_folder.At("runs", "finished"), name: script, epochs: 30).AddEpochs(0, 30);
        finished.Append(new { @event = "loader", kind = "sample_skipped", message = "It is damaged: " + script, sample = "tile-17.png", split = "training", epoch = 4, time = TestRun.Begin });
        new TestRun(_folder.At("runs", "other"), name: "other", epochs: 30).AddEpochs(0, 20);
        TestRun live = new TestRun(_folder.At("runs", "live"), name: "live", state: "running", process: victim.Identity, epochs: 30).AddEpochs(0, 5);
        using FleetFolder fleet = FleetFolder.Open(_folder.At("runs"), "1", TimeProvider.System);
        void Tell(MemberState state, string reason) => fleet.WriteStatus(new FleetStatus(
            DateTimeOffset.UtcNow,
            [new MemberStatus("live", state, reason) { Host = "gpu01", GpuIndex = 1, EpochsDone = 5, Epochs = 30 }, new MemberStatus("tomorrow", MemberState.Queued, script)],
            [new HostStatus("gpu01", true, "2 GPUs, 8 cores", 1), new HostStatus("gpu02", false, "it does not answer", 0)]));
        Tell(MemberState.Running, "on gpu01, GPU 1");
        await using TestPage page = await TestPage.StartAsync(_folder.At("runs"), allowControl: true, change: options => options with
        {
            Monitoring = options.Monitoring with { Alerts = [AlertRule.Parse("MemoryAvailableBytes > 1")] },
        });
        string expected = JsonSerializer.Serialize(new
        {
            url = page.Server.Url,
            profile = _folder.At("profile"),
            name = script,
            losses = Enumerable.Range(0, 30).Select(TestRun.LossOf),
            scores = Enumerable.Range(0, 30).Select(TestRun.ScoreOf),
            liveLosses = Enumerable.Range(0, 6).Select(TestRun.LossOf),
        });
        ProcessStartInfo start = new("node", [Path.Combine(BrowserFactAttribute.Folder, "page.mjs"), expected]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process browser = Process.Start(start)!;
        Task<string> errors = browser.StandardError.ReadToEndAsync();
        StringBuilder said = new();
        while (await browser.StandardOutput.ReadLineAsync() is { } line)
        {
            said.AppendLine(line);

            // The script says when it looks at the run whose next epoch is to come.
            if (line == "append")
                live.AddEpochs(5, 1);
            if (line == "stuck")
                Tell(MemberState.Stuck, "on gpu01, GPU 1: no step for 40 min; it is being stopped");
        }

        await browser.WaitForExitAsync();
        Assert.True(browser.ExitCode == 0, $"{said}\n{await errors}");
        await victim.WaitAsync();
    }
}

/// <summary>A fact that needs Node, Chromium and playwright-core.</summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    /// <summary>The folder of the scripts.</summary>
    public static readonly string Folder = Path.Combine(Path.GetDirectoryName(Here())!, "browser");

    public BrowserFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "It stops a process as Linux does.";
        else if (!IsOnPath("node"))
            Skip = "Node is not installed (apt-get install nodejs).";
        else if (!File.Exists("/usr/bin/chromium"))
            Skip = "Chromium is not installed (apt-get install chromium).";
        else if (!Directory.Exists(Path.Combine(Folder, "node_modules", "playwright-core")))
            Skip = $"playwright-core is not installed; run 'npm ci --ignore-scripts' in '{Folder}'.";
    }

    private static bool IsOnPath(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));

    private static string Here([CallerFilePath] string path = "") => path;
}
