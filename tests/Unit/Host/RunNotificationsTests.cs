using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Platform;

namespace RobustTrain.Tests.Host;

public sealed class RunNotificationsTests : IDisposable
{
    private static readonly string[] s_settings =
    [
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2", "--set", "loader.num_workers=1",
        "--set", "model.base_channels=2", "--set", "trainer.epochs=2", "--set", "trainer.log_interval_seconds=0", "--set", "threads=1",
    ];

    private readonly TemporaryFolder _folder = new();

    public RunNotificationsTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_runs_own_process_tells_that_it_has_finished_and_its_record_what_it_cost()
    {
        using WebhookStub webhook = new((_, _) => 200);
        HostRun run = await Train("--on-event", webhook.Address);

        Assert.Equal(0, run.ExitCode);
        using JsonDocument told = JsonDocument.Parse(FirstOf(webhook));
        Assert.Equal("finished", told.RootElement.GetProperty("event").GetString());
        JsonElement of = told.RootElement.GetProperty("run");
        Assert.Equal((_folder.At("run"), 0, 2), (of.GetProperty("path").GetString(), of.GetProperty("exit_code").GetInt32(), of.GetProperty("epochs_done").GetInt32()));
        Assert.True(of.GetProperty("cpu_hours").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, of.GetProperty("gpu_hours").ValueKind);

        RunRecord record = RunFolder.ReadRecord(_folder.At("run"));
        RunCost cost = RunCost.Of(record, _folder.At("run"))!;
        Assert.Equal((null, null), (cost.GpuSeconds, cost.EnergyJoules));
        Assert.InRange(cost.CpuSeconds, 0.01, 10_000);
        Assert.InRange(cost.DataWaitSeconds, 1e-6, cost.DurationSeconds);
        Assert.Contains("Used so far: ", run.Output, StringComparison.Ordinal);

        // A run that is finished already has told it.
        int before = webhook.Requests.Count;
        Assert.Equal(0, (await Train("--on-event", webhook.Address)).ExitCode);
        Assert.Equal(before, webhook.Requests.Count);
    }

    [Fact]
    public async Task A_mistake_that_keeps_a_run_from_beginning_is_told_as_failed()
    {
        using WebhookStub webhook = new((_, _) => 200);
        HostRun run = await Train("--on-event", webhook.Address, "--set", "data.path=nowhere");

        Assert.Equal(2, run.ExitCode);
        using JsonDocument told = JsonDocument.Parse(FirstOf(webhook));
        Assert.Equal("failed", told.RootElement.GetProperty("event").GetString());
        Assert.Equal(2, told.RootElement.GetProperty("run").GetProperty("exit_code").GetInt32());
        Assert.Contains("nowhere", told.RootElement.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("run")));
    }

    [Fact]
    public async Task A_webhook_that_hangs_or_fails_changes_nothing_about_the_run()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        using WebhookStub bad = new((_, _) => 403);
        HostRun run = await Train("--on-event", $"http://{silent.LocalEndpoint}/", "--on-event", bad.Address);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(2, run.Sentences.Count(sentence => sentence.StartsWith("warning: 'finished' could not be told to the webhook at http://127.0.0.1:", StringComparison.Ordinal)));
        Assert.Equal(RunState.Finished, RunFolder.ReadRecord(_folder.At("run")).State);
        Assert.IsType<RunFinished>(RunJournalReader.ReadAll(RunFolder.JournalPathOf(_folder.At("run")))[^1]);
    }

    [Fact]
    public async Task A_target_that_is_neither_command_nor_webhook_is_refused_before_anything_begins()
    {
        HostRun run = await Train("--on-event", "ftp://example.org/");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(["--on-event: 'ftp://...' is no address of a webhook: one that begins with http:// or https:// and has a host is expected."], run.Sentences);
        Assert.False(Directory.Exists(_folder.At("run")));
    }

    // Where the machine is so busy that an answer comes too late, it is told again, by the same id.
    private static string FirstOf(WebhookStub webhook)
    {
        string[] bodies = [.. webhook.Requests.Select(request => request.Body)];
        Assert.Single(bodies.Select(body => JsonNode.Parse(body)!["id"]!.GetValue<string>()).Distinct());
        return bodies[0];
    }

    private Task<HostRun> Train(params string[] more) => HostRun.To(_folder.Path, ["train", "--run-path", "run", .. s_settings, .. more]);
}
