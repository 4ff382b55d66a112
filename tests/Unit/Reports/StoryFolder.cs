using System.Globalization;
using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Reports;

/// <summary>A run's folder as a trainer leaves it, without a training.</summary>
internal sealed class StoryFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Path => _folder.At("run");

    public string Parent => _folder.Path;

    public void Dispose() => _folder.Dispose();

    /// <summary>Writes a run of some epochs of ten steps; f1 rises, and its names are as hostile as they may be.</summary>
    public void Write(int epochs = 3, string name = "<script>alert(1)</script>", string state = "finished", string? error = null, IReadOnlyList<GpuSample>? gpus = null, string run = "run")
    {
        string path = _folder.At(run);
        TrainingConfig config = new() { Name = name, Data = new DataConfig { Path = "/d" } };
        using RunFolder folder = RunFolder.Open(path, config with { Trainer = config.Trainer with { Epochs = Math.Max(1, epochs) } }, ResumeMode.Auto, RunVersions.Current("2.10"));
        using RunJournal journal = new(folder);
        journal.Write(new RunStarted(folder.Record.Id, path, Environment.ProcessId, epochs, 10, null) { ScoreNames = ["f1", "iou"] });
        journal.Write(new RunWarning("A file <img src=x onerror=alert(2)> is left out."));
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            string own = folder.EpochFolder(epoch);
            Directory.CreateDirectory(own);
            StringBuilder losses = new("step,global_step,loss,learning_rate\n");
            for (int step = 0; step < 10; step++)
                losses.Append(CultureInfo.InvariantCulture, $"{step},{(10 * epoch) + step},{1.0 / (1 + (10 * epoch) + step)},{0.1}\n");
            File.WriteAllText(System.IO.Path.Combine(own, "losses.csv"), losses.ToString());
            File.WriteAllText(System.IO.Path.Combine(own, "scores.json"), Scores("val", epoch));
            File.WriteAllText(System.IO.Path.Combine(own, "ledger.json"), "{\"epoch\":0,\"entries\":[{\"action\":\"skipped\",\"sample_index\":1,\"sample\":\"<b>bad</b>\",\"worker\":\"w\",\"reason\":\"& torn\"}]}");
            journal.Write(new SystemSample(10 * epoch, 0.1, 50, 1, 2, gpus ?? []) { Time = DateTimeOffset.UtcNow.AddSeconds(epoch - epochs) });
            journal.Write(new CostMeasured(3600, 3600, 7200, 3.6e6, 36) { ProcessId = Environment.ProcessId });
            journal.Write(new EpochFinished(epoch, 0.5 / (epoch + 1), new Dictionary<string, double> { ["f1"] = 0.5 + (0.1 * epoch), ["iou"] = 0.4 }, true, 0.1, 100, 0.02, 12)
            {
                Loader = new LoaderFigures("thread", 1, 10, 20, 0, 0, 0, 0, 0, 0, 0, 20, 0, 1, 0, 0, "ab"),
                LedgerTotals = new LedgerTotals(20, 0, 1, 0, 0),
            });
            journal.Write(new CheckpointSaved("c", epoch, 10, 1, 1) { CompletedEpoch = epoch });
        }

        if (state == "running")
            return;
        if (state == "finished")
        {
            File.WriteAllText(System.IO.Path.Combine(path, "test.json"), Scores("test", epochs - 1));
            journal.Write(new TestFinished(epochs - 1, new Dictionary<string, double> { ["f1"] = 0.71, ["iou"] = 0.6 }));
        }

        journal.Write(new RunFinished(state, state == "failed" ? 4 : 0, error, error is null ? null : "NumericNotFinite"));
    }

    private static string Scores(string split, int epoch) =>
        $"{{\"epoch\":{epoch},\"split\":\"{split}\",\"aggregated\":{{\"f1\":0.71,\"iou\":0.6}},\"classes\":[{{\"f1\":0.9}},{{\"f1\":null}}],\"datapoints\":[{{\"name\":\"good\",\"scores\":{{\"f1\":0.9}},\"confusion\":[90,1,2,7]}},{{\"name\":\"<i>worst</i>\",\"scores\":{{\"f1\":0.25}},\"confusion\":[80,9,8,3]}},{{\"name\":\"undefined\",\"scores\":{{}},\"confusion\":[100,0,0,0]}}]}}";
}
