using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Platform;

namespace RobustTrain.Tests.Host;

public sealed class TelemetryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TelemetryTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_sends_its_figures_to_the_collector_that_the_environment_names()
    {
        using WebhookStub collector = new((_, _) => 200);
        HostRun run = await Train(collector.Address);

        Assert.Equal(0, run.ExitCode);
        (string method, string? type, string body) = collector.Requests[^1];
        Assert.Equal(("POST", "application/x-protobuf"), (method, type));

        // Protocol buffers hold texts as they are.
        foreach (string name in (string[])["robusttrain.loss", "robusttrain.learning_rate", "robusttrain.samples_per_second", "robusttrain.data_wait_share", "robusttrain.checkpoint_seconds", "robusttrain.epochs_done", "robusttrain.score", "f1", _folder.At("run"), RunFolder.ReadRecord(_folder.At("run")).Id])
            Assert.Contains(name, body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_that_refuses_is_told_once_and_changes_nothing_about_the_run()
    {
        using WebhookStub collector = new((_, _) => 400);
        HostRun run = await Train(collector.Address);

        Assert.Equal(0, run.ExitCode);
        RunWarning warning = Assert.Single(RunJournalReader.ReadAll(RunFolder.JournalPathOf(_folder.At("run"))).OfType<RunWarning>(), told => told.Message.Contains("OpenTelemetry", StringComparison.Ordinal));
        Assert.StartsWith("Figures can't be sent to the OpenTelemetry collector: ", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_none_is_refused_before_anything_begins()
    {
        HostRun run = await Train("localhost:4318");

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("The environment variable OTEL_EXPORTER_OTLP_ENDPOINT is 'localhost:4318'; ", Assert.Single(run.Sentences), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.At("run")));
    }

    private Task<HostRun> Train(string collector) => HostRun.EndOf(HostRun.Start(
        _folder.Path,
        new Dictionary<string, string?> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector },
        "train", "--run-path", "run", "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=2", "--set", "trainer.log_interval_seconds=0", "--set", "threads=1"));
}
