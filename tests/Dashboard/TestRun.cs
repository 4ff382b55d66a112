using System.Globalization;
using System.Text.Json;
using RobustTrain.Platform;

namespace RobustTrain.Tests.Dashboard;

/// <summary>A run's folder as robusttrain leaves it.</summary>
internal sealed class TestRun
{
    public static readonly DateTimeOffset Begin = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    public TestRun(string folder, string name = "a run", string state = "finished", ProcessIdentity? process = null, int epochs = 3, int format = 1, string? workingDirectory = null)
    {
        Folder = Directory.CreateDirectory(folder).FullName;
        (Name, Epochs) = (name, epochs);
        WriteRecord(state, process ?? new ProcessIdentity(Environment.MachineName, 1, "gone/0"), format, workingDirectory ?? folder);
        File.WriteAllText(System.IO.Path.Combine(Folder, "config.yaml"), $"name: {name}\nseed: 7\n");
        Append(new { @event = "run_started", run_id = "r", run_path = Folder, process_id = 1, epochs, steps_per_epoch = 10, time = Begin });
    }

    public string Folder { get; }

    public string Name { get; }

    public int Epochs { get; }

    public string Journal => System.IO.Path.Combine(Folder, "events.ndjson");

    public static double LossOf(int epoch) => 1.0 / (epoch + 3);

    public static double ScoreOf(int epoch) => 1 - (1.0 / (epoch + 2));

    public void WriteRecord(string state, ProcessIdentity process, int format, string workingDirectory) => File.WriteAllText(
        System.IO.Path.Combine(Folder, "run.json"),
        JsonSerializer.Serialize(new
        {
            format,
            id = "20261101T000000-aaaa",
            name = Name,
            state,
            process = Json(process),
            working_directory = workingDirectory,
            versions = new { robusttrain = "0.1.0", dotnet = "10.0", os = "test" },
            configuration_digest = new string('0', 64),
            started = Begin,
            updated = Begin.AddMinutes(3),
            epochs = Epochs,
            epochs_done = state == "finished" ? Epochs : 1,
            best_metric = "f1",
            best_epoch = 0,
            best_score = 0.5,
            task = "change-detection",
            ledger_totals = new { delivered = 100, retried = 1, skipped = 2, quarantined = 0, worker_failures = 0 },
            attempts = new[] { new { process = Json(process), started = Begin, state, duration_seconds = 180.0 } },
        }));

    public TestRun AddEpochs(int from, int count)
    {
        for (int epoch = from; epoch < from + count; epoch++)
        {
            AddStep(epoch * 10, LossOf(epoch));
            Append(new
            {
                @event = "epoch_finished", epoch, train_loss = LossOf(epoch), scores = new { f1 = ScoreOf(epoch), iou = ScoreOf(epoch) / 2 }, is_best = true, learning_rate = 0.001,
                samples_per_second = 60.0, data_wait_share = 0.1, duration_seconds = 60.0, time = Begin.AddMinutes(epoch + 1),
            });
        }

        return this;
    }

    public void AddStep(long step, double loss) => Append(new
    {
        @event = "step", epoch = step / 10, step = step % 10, global_step = step, loss, learning_rate = 0.001, samples_per_second = 60.0, data_wait_share = 0.1, time = Begin.AddSeconds(step * 6),
    });

    public void Append(object happened) => File.AppendAllText(Journal, JsonSerializer.Serialize(happened) + "\n");

    private static object Json(ProcessIdentity process) => new { host = process.Host, process_id = process.ProcessId, start = process.Start };
}

/// <summary>A process that lives until it is asked to stop, and is known to a record.</summary>
internal sealed class Victim : IDisposable
{
    private readonly System.Diagnostics.Process _process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]) { RedirectStandardInput = true })!;

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    public ProcessIdentity Identity
    {
        get
        {
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/stat"));
            string start = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
            return new ProcessIdentity(Environment.MachineName, Id, $"{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}/{start}");
        }
    }

    public Task WaitAsync() => _process.WaitForExitAsync();

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
