using System.Runtime.Versioning;
using RobustTrain.Chaos;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Host;

/// <summary>Ends that leave a training no time: a step that doesn't end, and SIGKILL while it validates.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ProcessExitTests : IDisposable
{
    private const int Kill = 9;
    private const int Terminate = 15;
    private const int ValidationPairs = 100;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_step_that_does_not_end_in_its_time_ends_the_process_and_leaves_the_last_checkpoint()
    {
        // One step of these takes seconds; native code can't be interrupted in it.
        TinyPairs.Write(_folder.At("data"), side: 1024);
        string[] large = ["--set", "data.crop_size=1024", "--set", "loader.batch_size=2", "--set", "model.base_channels=16", "--set", "trainer.epochs=3"];
        using (LiveTraining stopped = Start("run", large))
        {
            await stopped.Next<RunStarted>();
            stopped.Signal(Terminate);
            Assert.Equal(75, (await stopped.End()).ExitCode);
        }

        CheckpointStore checkpoints = new(RunFolder.CheckpointsPathOf(_folder.At("run")));
        Checkpoint before = checkpoints.List()[0];
        using LiveTraining stuck = Start("run", [.. large, "--set", "trainer.step_timeout_seconds=1"]);
        HostRun end = await stuck.End();

        Assert.Equal((int)ExitCode.Unexpected, end.ExitCode);
        string sentence = Assert.Single(end.Sentences);
        Assert.Equal($"Step {before.Manifest.Cursor.GlobalStep} (epoch {before.Manifest.Cursor.Epoch}, batch {before.Manifest.Cursor.Batch}) has not ended within 1 s (trainer.step_timeout_seconds).", sentence);
        Assert.Equal("StepStuck", Assert.Single(stuck.Events.OfType<RunFinished>()).ErrorId);
        Assert.Equal((RunState.Failed, (int?)ExitCode.Unexpected), (RunFolder.ReadRecord(_folder.At("run")).State, RunFolder.ReadRecord(_folder.At("run")).ExitCode));
        List<string> warnings = [];
        Assert.Equal(before.Path, checkpoints.OpenLatest(warnings.Add)!.Checkpoint.Path);
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Killed_while_it_validates_it_ends_with_the_same_bits()
    {
        WriteManyToValidate();
        string[] small = ["--set", "data.crop_size=32", "--set", "loader.batch_size=2", "--set", "loader.eval_batch_size=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=3"];
        using (LiveTraining untouched = Start("untouched", small))
            Assert.Equal(0, (await untouched.End()).ExitCode);

        int hits = 0;
        int exitCode;
        do
        {
            using LiveTraining training = Start("run", small);
            exitCode = await KillInValidation(training);
            hits += exitCode == LiveTraining.Killed && WasValidating(training.Events) ? 1 : 0;
        }
        while (exitCode != 0 && hits < 2);

        Assert.True(hits > 0, "Each validation was over before the kill.");
        using (LiveTraining last = Start("run", small))
            Assert.Equal(0, (await last.End()).ExitCode);
        RunComparison comparison = RunComparison.Of(_folder.At("untouched"), _folder.At("run"));
        Assert.Equal((0L, 0, 0, 0, 0, 0L), (comparison.WeightBytesDiffering, comparison.StateFilesDiffering, comparison.LossesDiffering, comparison.ScoreFilesDiffering, comparison.LedgersDiffering, comparison.SamplesLost));
        Assert.Equal((6, 3), (comparison.Losses, comparison.Ledgers));
    }

    private static async Task<int> KillInValidation(LiveTraining training)
    {
        try
        {
            while ((await training.Next<EvaluationProgress>()).Split != "validation")
            {
            }

            training.Signal(Kill);
        }
        catch (InvalidOperationException)
        {
            // It had nothing left to validate.
        }

        return (await training.End()).ExitCode;
    }

    private static bool WasValidating(IReadOnlyList<RunEvent> events) =>
        events.LastOrDefault(runEvent => runEvent is EvaluationProgress or EpochFinished or LoaderEpoch { Split: "validation" }) is EvaluationProgress { Split: "validation" };

    private LiveTraining Start(string run, string[] more) => new(HostRun.Start(
        _folder.Path,
        [
            "train", "--run-path", run, "--events", "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "loader.num_workers=1",
            "--set", "trainer.log_interval_seconds=0", "--set", "threads=1", .. more,
        ]));

    private void WriteManyToValidate()
    {
        TinyPairs.Write(_folder.At("data"));
        for (int index = 0; index < ValidationPairs; index++)
        {
            foreach ((string part, int factor) in new[] { ("A", 1), ("B", 2), ("label", 0) })
                TinyPairs.Write(_folder.At("data"), part, $"val_more_{index}.bmp", 32, (row, column) => (byte)(factor == 0 ? (row < index % 32 ? 255 : 0) : (row + index) * factor % 256));
        }
    }
}
