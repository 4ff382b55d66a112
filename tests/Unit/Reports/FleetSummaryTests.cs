using System.Text.Json.Nodes;
using RobustTrain.Reports;
using RobustTrain.Reports.Documents;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Tests.Reports;

public sealed class FleetSummaryTests : IDisposable
{
    private static readonly DateTimeOffset s_noon = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private readonly StoryFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void A_stretch_has_its_share_of_what_a_run_used()
    {
        _runs.Write(name: "long");
        Rewrite(_runs.Path, s_noon.AddHours(-3), seconds: 4 * 3600, gpuSeconds: 4 * 3600);
        FleetSummary summary = Of(s_noon.AddDays(-1), s_noon);

        Assert.Equal((1, 0, 0, 0), (summary.Finished, summary.Failed, summary.Running, summary.IdleRuns));
        Assert.Equal(3, summary.WorkHours, 6);
        Assert.Equal(3, summary.GpuHours!.Value, 6);
        Assert.Equal(1, Of(s_noon, s_noon.AddDays(1)).GpuHours!.Value, 6);

        FleetSummary before = Of(s_noon.AddDays(-2), s_noon.AddDays(-1));
        Assert.Empty(before.Runs);
        Assert.Equal(1, before.IdleRuns);
        Assert.Null(before.GpuHours);
    }

    [Fact]
    public void A_run_that_failed_says_why_and_one_that_cannot_be_read_hides_no_other()
    {
        _runs.Write(epochs: 1, name: "bad | name <x>", state: "failed", error: "The loss is NaN.");
        Directory.CreateDirectory(Path.Combine(_runs.Parent, "damaged"));
        File.WriteAllText(Path.Combine(_runs.Parent, "damaged/run.json"), "not JSON");
        FleetSummary summary = FleetSummary.Of([Path.Combine(_runs.Parent, "damaged"), _runs.Path], DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), 5, []);

        Assert.Equal("The loss is NaN.", Assert.Single(summary.Runs).Error);
        Assert.Contains("damaged", Assert.Single(summary.Problems), StringComparison.Ordinal);
        string markdown = FleetDocument.WriteMarkdown(summary, "Day");
        Assert.Contains("| bad \\| name &lt;x&gt; | run | Failed | 1/1 |", markdown, StringComparison.Ordinal);
        Assert.Contains("Nothing tells of GPUs in this time", markdown, StringComparison.Ordinal);
        Assert.Contains("bad | name &lt;x&gt;", FleetDocument.WriteHtml(summary, "Day <1>", DateTimeOffset.UnixEpoch), StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_of_one_name_are_told_apart_by_their_folders()
    {
        _runs.Write(epochs: 1, name: "demo", run: "fleet-a/one");
        _runs.Write(epochs: 1, name: "demo", run: "fleet-ab/one");
        FleetSummary FromBelow(params string[] folders) => FleetSummary.Of(folders.Select(folder => Path.Combine(_runs.Parent, folder)), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), 5, []);

        FleetSummary summary = FromBelow("fleet-a/one", "fleet-ab/one");
        Assert.Equal([Path.Combine("fleet-a", "one"), Path.Combine("fleet-ab", "one")], summary.Runs.Select(run => run.Folder));
        Assert.Contains($"| demo | {Path.Combine("fleet-a", "one")} | Finished |", FleetDocument.WriteMarkdown(summary, "Day").Replace("\\\\", "\\", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains($"<td>{Path.Combine("fleet-ab", "one")}</td>", FleetDocument.WriteHtml(summary, "Day", DateTimeOffset.UnixEpoch), StringComparison.Ordinal);
        Assert.Equal("one", Assert.Single(FromBelow("fleet-a/one").Runs).Folder);
    }

    [Fact]
    public void Gpus_are_idle_as_far_as_a_run_or_a_monitor_has_watched_them()
    {
        _runs.Write(epochs: 2, gpus: [new GpuSample(0, "GPU-a", 90, 1, 2, 50, 100), new GpuSample(1, "GPU-b", 1, 1, 2, 50, 100), new GpuSample(2, "GPU-c", null, 1, 2, 50, 100)]);
        string history = Path.Combine(_runs.Parent, "gpus.ndjson");
        File.WriteAllLines(history,
        [
            .. Enumerable.Range(0, 60).Select(minute => $"{{\"Kind\":\"Gpu\",\"ComputerName\":\"gpu01\",\"Time\":\"{s_noon.AddMinutes(minute):O}\",\"IsConnected\":true,\"Index\":0,\"Uuid\":\"GPU-x\",\"UtilizationPercent\":{(minute < 15 ? 0 : 80)}}}"),
            "{\"Kind\":\"Cpu\",\"ComputerName\":\"gpu01\"}",
            "{\"Kind\":\"Gpu\",\"ComputerName\":\"gpu01\",\"Ti",
        ]);

        FleetSummary ofRun = FleetSummary.Of([_runs.Path], DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), 5, []);
        Assert.Equal([0, 1], ofRun.Gpus.Select(gpu => gpu.Index));
        Assert.Equal(0, ofRun.Gpus[0].IdleHours);
        Assert.True(ofRun.Gpus[1].IdleHours > 0);

        FleetGpu watched = Assert.Single(FleetSummary.Of([], s_noon, s_noon.AddHours(1), 5, [history]).Gpus);
        Assert.Equal(("gpu01", 0, "GPU-x"), (watched.ComputerName, watched.Index, watched.Uuid));
        Assert.Equal(1, watched.WatchedHours, 6);
        Assert.Equal(0.25, watched.IdleHours, 6);
        Assert.Equal(60, watched.MeanUtilizationPercent, 6);
    }

    [Fact]
    public void A_history_that_is_none_is_named()
    {
        string file = Path.Combine(_runs.Parent, "words.txt");
        File.WriteAllText(file, "no records here\n[1]\n\"x\"\n");
        FleetSummary summary = FleetSummary.Of([], s_noon, s_noon.AddHours(1), 5, [file, Path.Combine(_runs.Parent, "missing")]);
        Assert.Equal(2, summary.Problems.Count);
        Assert.Contains("has no record of a GPU", summary.Problems[0], StringComparison.Ordinal);
        Assert.Contains("can't be read", summary.Problems[1], StringComparison.Ordinal);
    }

    private FleetSummary Of(DateTimeOffset from, DateTimeOffset to) => FleetSummary.Of([_runs.Path], from, to, 5, []);

    private static void Rewrite(string run, DateTimeOffset started, double seconds, double gpuSeconds)
    {
        string file = RunFolder.RecordPathOf(run);
        JsonNode record = JsonNode.Parse(File.ReadAllText(file))!;
        JsonNode attempt = record["attempts"]![0]!;
        foreach (JsonNode part in new[] { record, attempt })
        {
            part["started"] = started;
            part["ended"] = started.AddSeconds(seconds);
        }

        attempt["duration_seconds"] = seconds;
        attempt["cost"]!["duration_seconds"] = seconds;
        attempt["cost"]!["gpu_seconds"] = gpuSeconds;
        File.WriteAllText(file, record.ToJsonString());
    }
}
