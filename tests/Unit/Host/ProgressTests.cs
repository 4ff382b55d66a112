using RobustTrain.Host.Progress;
using RobustTrain.Runs.Events;
using RobustTrain.Tests.Training;
using Spectre.Console;

namespace RobustTrain.Tests.Host;

public sealed class ProgressTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static RunEvent[] Training() =>
    [
        new RunStarted("id", "/runs/a", 1, 2, 10, null) { Time = s_start },
        new EpochStarted(0, 0.1) { Time = s_start },
        new StepFinished(0, 0, 0, 0.9, 0.001, 32, 0.02) { Time = s_start.AddSeconds(1) },
        new StepFinished(0, 9, 9, 0.5, 0.001, 32, 0.02) { Time = s_start.AddSeconds(10) },
        new EvaluationProgress("val", 3, 4) { Time = s_start.AddSeconds(14) },
        new EpochFinished(0, 0.7, new Dictionary<string, double> { ["f1"] = 0.25, ["iou"] = 0.125, ["mean_f1"] = 0.5 }, true, 0.001, 32, 0.02, 19) { Time = s_start.AddSeconds(19) },
        new EpochStarted(1, 0.1) { Time = s_start.AddSeconds(19) },
        new StepFinished(1, 0, 10, 0.4, 0.001, 32, 0.02) { Time = s_start.AddSeconds(21) },
    ];

    [Theory]
    [InlineData(null, false, "Stopped before its first checkpoint")]
    [InlineData(-1, false, "Stopped with the checkpoint that it began with")]
    [InlineData(null, true, "Stopped with the checkpoint c")]
    [InlineData(3, true, "Stopped with the checkpoint c")]
    public void A_run_that_is_stopped_names_a_checkpoint_only_where_there_is_one(int? resumedFrom, bool saves, string said)
    {
        RunPosition position = new();
        position.Write(new RunStarted("id", "/runs/a", 1, 9, 10, resumedFrom));
        if (saves)
            position.Write(new CheckpointSaved("c", 4, 40, 1, 1));
        Assert.Equal(said, position.Stopped);
    }

    [Fact]
    public void Plain_lines_tell_the_run_its_steps_now_and_then_and_each_epoch()
    {
        using StringWriter output = new() { NewLine = "\n" };
        ManualTime time = new();
        using (PlainProgress progress = new(output, TimeSpan.FromSeconds(5), time))
        {
            WriteInTime(progress, time);
            progress.Write(new StopRequested("SIGTERM"));
            progress.Write(new RunWarning("The reader is slow."));
            progress.Write(new NumericFailureHandled(1, 10, "The loss is NaN.", "rollback", ["a"], 2, 0.5));
            progress.Write(new NumericFailureHandled(1, 10, "The loss is NaN.", "skip", ["a"], 3, 1));
            progress.Write(new MicroBatchHalved(1, 11, 8));
            progress.Write(new StoppedEarly(1, 0, 1));
            progress.Write(new TestFinished(0, new Dictionary<string, double> { ["f1"] = 0.875 }));
        }

        Assert.Equal(
            """
            Run /runs/a: 2 epochs of 10 steps.
            epoch 0 (1 of 2)  step 1 of 10  loss 0.9000  learning rate 1.00e-3  32.0 samples/s  waiting for data 2 %  time left unknown yet
            epoch 0 (1 of 2)  step 10 of 10  loss 0.5000  learning rate 1.00e-3  32.0 samples/s  waiting for data 2 %  10.0 s left
            epoch 0 (1 of 2) done: loss 0.7000  f1 0.2500  iou 0.1250  (best)  32.0 samples/s  19.0 s
            epoch 1 (2 of 2)  step 1 of 10  loss 0.4000  learning rate 1.00e-3  32.0 samples/s  waiting for data 2 %  18.0 s left
            Asked to stop (SIGTERM): stops after this step, with a checkpoint.
            Warning: The reader is slow.
            Warning: step 10: The loss is NaN. Failure 2: training goes on from the last good checkpoint, with 0.5 of the learning rate.
            Warning: step 10: The loss is NaN. Failure 3: the batch is skipped.
            Warning: memory is short; from now on 8 samples are computed at once, and gradients are accumulated to the same batch.
            No epoch of the last 1 was better than epoch 0: no more are trained.
            Test with the weights of epoch 0: f1 0.8750

            """.ReplaceLineEndings("\n"),
            output.ToString());
    }

    [Fact]
    public void A_run_that_goes_on_says_how_many_epochs_are_complete()
    {
        using StringWriter output = new() { NewLine = "\n" };
        using PlainProgress progress = new(output, TimeSpan.FromSeconds(5), TimeProvider.System);

        progress.Write(new RunStarted("id", "/runs/a", 1, 9, 10, ResumedFromEpoch: 3));

        Assert.Equal("Run /runs/a goes on: 4 of 9 epochs are complete.\n", output.ToString());
    }

    [Fact]
    public void An_epoch_tells_of_skipped_samples_and_failed_workers_where_there_are_any()
    {
        LoaderFigures loader = new("process", 2, 5, 40, 0, 0, 0, 0, 0, 0, 0, Delivered: 37, Retried: 4, Skipped: 3, Quarantined: 1, WorkerFailures: 2, "00");
        EpochFinished epoch = new(0, 0.7, null, false, 0.001, 32, 0.02, 19) { Loader = loader };
        TrainingView view = new() { Epochs = 2 };

        Assert.Contains("  3 samples skipped  2 worker failures  ", EventText.Lasting(epoch, view), StringComparison.Ordinal);
        Assert.DoesNotContain("skipped", EventText.Lasting(epoch with { Loader = loader with { Skipped = 0, WorkerFailures = 0 } }, view), StringComparison.Ordinal);
        Assert.DoesNotContain("failures", EventText.Lasting(epoch with { Loader = null }, view), StringComparison.Ordinal);
    }

    [Fact]
    public void The_time_left_follows_no_setting_of_the_wall_clock()
    {
        using StringWriter output = new() { NewLine = "\n" };
        ManualTime time = new();
        using (PlainProgress progress = new(output, TimeSpan.Zero, time))
        {
            progress.Write(new RunStarted("id", "/runs/a", 1, 1, 100, null) { Time = s_start });
            progress.Write(new StepFinished(0, 0, 0, 0.9, 0.001, 32, 0.02) { Time = s_start });
            time.Advance(TimeSpan.FromSeconds(9));
            progress.Write(new StepFinished(0, 9, 9, 0.9, 0.001, 32, 0.02) { Time = s_start.AddDays(30) });
            time.Advance(TimeSpan.FromSeconds(10));
            progress.Write(new StepFinished(0, 19, 19, 0.9, 0.001, 32, 0.02) { Time = s_start.AddDays(-1) });
        }

        Assert.Equal(["1 min 30 s left", "1 min 20 s left"], output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)[2..].Select(line => line[line.LastIndexOf("  ", StringComparison.Ordinal)..].Trim()));
    }

    [Theory]
    [InlineData(0.26, "0.3 s")]
    [InlineData(59.94, "59.9 s")]
    [InlineData(125, "2 min 5 s")]
    [InlineData(7260, "2 h 1 min")]
    [InlineData(90000, "1 d 1 h")]
    public void Durations_are_as_people_say_them(double seconds, string text) =>
        Assert.Equal(text, EventText.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void The_live_display_shows_step_loss_learning_rate_speed_and_time_left_and_keeps_the_epochs_above()
    {
        using StringWriter output = new();
        using (LiveProgress progress = new(Terminal(output, 120), TimeProvider.System))
        {
            foreach (RunEvent runEvent in Training())
                progress.Write(runEvent);
        }

        string text = output.ToString();
        Assert.Contains("epoch 0 (1 of 2) done: loss 0.7000  f1 0.2500  iou 0.1250  (best)", text, StringComparison.Ordinal);
        Assert.Contains("epoch 1 (2 of 2)", text, StringComparison.Ordinal);
        Assert.Contains("step 1 of 10", text, StringComparison.Ordinal);
        Assert.Contains("loss 0.4000  learning rate 1.00e-3  32.0 samples/s", text, StringComparison.Ordinal);
        Assert.Contains("left", text, StringComparison.Ordinal);
        Assert.Contains("best so far: epoch 0", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_live_display_leaves_columns_free_in_a_terminal_of_80()
    {
        using StringWriter output = new();
        using (LiveProgress progress = new(Terminal(output, 80), TimeProvider.System))
        {
            progress.Write(new RunStarted("id", "/runs/a", 1, 1000, 10000, null));
            progress.Write(new EpochStarted(998, 0.1));
            progress.Write(new StepFinished(998, 9998, 9_989_998, 123456.7891, 0.0001, 12345.6, 1));
            progress.Write(new SystemSample(1, 0, 100, 1, 2, [.. Enumerable.Range(0, 8).Select(index => new GpuSample(index, null, 100, 1, 2, 50, 200))]));
            progress.Write(new RunWarning(string.Join(' ', Enumerable.Repeat("precision", 30))));
            progress.Write(new StopRequested("SIGTERM"));
        }

        string[] rows = System.Text.RegularExpressions.Regex.Replace(output.ToString(), @"\e\[[0-9;?]*[A-Za-z]", "\n").Split('\n', '\r');
        string[] drawn = [.. rows.Where(row => !row.StartsWith("Run ", StringComparison.Ordinal) && !row.StartsWith("Asked ", StringComparison.Ordinal)).Select(row => row.TrimEnd())];
        Assert.Contains(drawn, row => row.StartsWith("loss ", StringComparison.Ordinal));
        Assert.Contains(drawn, row => row.EndsWith('…') && row.Contains("GPU 0 at 100 %", StringComparison.Ordinal));
        Assert.All(drawn.Where(row => !row.Contains("precision", StringComparison.Ordinal)), row => Assert.InRange(row.Length, 0, 76));
        Assert.Equal(4, rows.Count(row => row.Contains("precision", StringComparison.Ordinal) && row.Length == 79));
    }

    [Theory]
    [InlineData(true, "█", "░", "…")]
    [InlineData(false, "#", "-", "...")]
    public void Bars_and_what_is_cut_are_drawn_with_characters_that_the_terminal_has(bool isUnicode, string done, string open, string cut)
    {
        using StringWriter output = new();
        IAnsiConsole terminal = Terminal(output, 80);
        terminal.Profile.Capabilities.Unicode = isUnicode;
        using (LiveProgress progress = new(terminal, TimeProvider.System))
            progress.Write(new PredictionProgress(new string('a', 40), 1, 2));

        string text = output.ToString();
        Assert.Contains($"{new string('a', 26 - cut.Length)}{cut} {string.Concat(Enumerable.Repeat(done, 11))}{string.Concat(Enumerable.Repeat(open, 11))}  1 of 2 tiles", text, StringComparison.Ordinal);
        Assert.Equal(isUnicode, text.Any(letter => letter > '~'));
    }

    [Fact]
    public void One_of_a_thing_is_not_several()
    {
        RunStarted one = new("id", "/runs/a", 1, 1, 1, null);
        Assert.Equal("Run /runs/a: 1 epoch of 1 step.", EventText.Lasting(one, new TrainingView()));
        Assert.Equal("Run /runs/a goes on: 0 of 1 epoch is complete.", EventText.Lasting(one with { ResumedFromEpoch = -1 }, new TrainingView()));
        LoaderFigures loader = new("process", 2, 5, 40, 0, 0, 0, 0, 0, 0, 0, Delivered: 37, Retried: 4, Skipped: 1, Quarantined: 1, WorkerFailures: 1, "00");
        EpochFinished epoch = new(0, 0.7, null, false, 0.001, 32, 0.02, 19) { Loader = loader };
        Assert.Contains("  1 sample skipped  1 worker failure  ", EventText.Lasting(epoch, new TrainingView { Epochs = 2 }), StringComparison.Ordinal);
    }

    private static IAnsiConsole Terminal(TextWriter output, int width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = width;
        return console;
    }

    private static void WriteInTime(PlainProgress progress, ManualTime time)
    {
        DateTimeOffset now = s_start;
        foreach (RunEvent runEvent in Training())
        {
            time.Advance(runEvent.Time - now);
            now = runEvent.Time;
            progress.Write(runEvent);
        }
    }
}
