using System.Diagnostics;
using System.Text;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Host;

public sealed class TrainTests : IDisposable
{
    private const int Hangup = 1;
    private const int Interrupt = 2;
    private const int Kill = 9;
    private const int User1 = 10;
    private const int Terminate = 15;

    private readonly TemporaryFolder _folder = new();

    public TrainTests() => TinyPairs.Write(_folder.At("data"));

    public void Dispose() => _folder.Dispose();

    private string RunPath => _folder.At("run");

    private string[] Arguments(int epochs, params string[] more) =>
    [
        "train", "--run-path", "run",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", $"trainer.epochs={epochs}", "--set", "trainer.log_interval_seconds=0",
        "--set", "threads=1",
        .. more,
    ];

    private LiveTraining Start(int epochs, params string[] more) => new(HostRun.Start(_folder.Path, Arguments(epochs, ["--events", .. more])));

    // Far more than a test waits for: these are stopped.
    private LiveTraining StartLong(params string[] more) => Start(100_000, more);

    [Fact]
    public async Task A_training_leaves_a_complete_run_and_tells_it_in_plain_lines()
    {
        HostRun host = await HostRun.To(_folder.Path, Arguments(epochs: 2));

        Assert.Equal((0, ""), (host.ExitCode, host.Error));
        Assert.StartsWith($"Run {RunPath}: 2 epochs of 2 steps.\n", host.Output, StringComparison.Ordinal);
        Assert.Contains("epoch 1 (2 of 2) done: loss ", host.Output, StringComparison.Ordinal);
        Assert.EndsWith($"Finished; the run is in {RunPath}.\n", host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', host.Output);

        RunRecord record = RunFolder.ReadRecord(RunPath);
        Assert.Equal((RunState.Finished, 0, 2, 2), (record.State, record.ExitCode, record.Epochs, record.EpochsDone));
        Assert.NotNull(record.Versions.LibTorch);
        Assert.NotNull(record.TestScores);
        Assert.Equal(2, RunFolder.ReadConfig<TrainingConfig>(RunPath).Trainer.Epochs);
        IReadOnlyList<RunEvent> events = RunJournalReader.ReadAll(RunFolder.JournalPathOf(RunPath));
        Assert.IsType<RunStarted>(events[0]);
        Assert.IsType<RunFinished>(events[^1]);
        Assert.Equal([0, 1], events.OfType<EpochFinished>().Select(epoch => epoch.Epoch));
        Assert.NotEmpty(Directory.EnumerateFiles(RunFolder.EpochFolderOf(RunPath, 1)));
        Assert.NotEmpty(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(RunPath)));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(RunPath, "tensorboard"), "events.out.tfevents.*"));
    }

    [Fact]
    public async Task Events_on_standard_output_are_the_journals_lines_and_nothing_else()
    {
        HostRun host = await HostRun.To(_folder.Path, Arguments(epochs: 1, "--events"));

        Assert.Equal((0, ""), (host.ExitCode, host.Error));
        Assert.Equal(File.ReadAllText(RunFolder.JournalPathOf(RunPath)), host.Output);
    }

    [Fact]
    public async Task A_run_that_is_finished_is_left_alone()
    {
        Assert.Equal(0, (await HostRun.To(_folder.Path, Arguments(epochs: 1))).ExitCode);
        string before = File.ReadAllText(RunFolder.RecordPathOf(RunPath));

        HostRun again = await HostRun.To(_folder.Path, Arguments(epochs: 1));

        Assert.Equal(0, again.ExitCode);
        Assert.Contains("is finished already; nothing was done.", again.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(RunFolder.RecordPathOf(RunPath)));
    }

    [Fact]
    public async Task Without_a_run_path_the_run_is_named_after_the_configuration_and_the_time()
    {
        HostRun host = await HostRun.To(_folder.Path, [.. Arguments(epochs: 1).Where(argument => argument is not ("--run-path" or "run")), "--set", "name=Night run/7"]);

        Assert.Equal((0, ""), (host.ExitCode, host.Error));
        string run = Assert.Single(Directory.EnumerateDirectories(_folder.At("runs")));
        Assert.Matches("^Night-run-7-[0-9]{8}-[0-9]{6}$", Path.GetFileName(run));
        Assert.True(RunFolder.IsRun(run));
    }

    [LinuxTheory("Windows has no signals.")]
    [InlineData(Terminate, "SIGTERM")]
    [InlineData(Interrupt, "SIGINT")]
    [InlineData(User1, "SIGUSR1")]
    [InlineData(Hangup, "SIGHUP")]
    public async Task A_signal_stops_with_a_checkpoint_and_the_run_goes_on_from_it(int signal, string name)
    {
        using LiveTraining training = StartLong();
        await training.Next<EpochFinished>();
        training.Signal(signal);

        Assert.Equal(75, (await training.End()).ExitCode);

        RunRecord stopped = RunFolder.ReadRecord(RunPath);
        Assert.Equal((RunState.Stopped, 75), (stopped.State, stopped.ExitCode));
        Assert.Equal(name, Assert.Single(training.Events.OfType<StopRequested>()).Reason);
        Assert.NotEmpty(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(RunPath)));

        // The run brings its own configuration.
        using LiveTraining goesOn = new(HostRun.Start(_folder.Path, "train", "--run-path", "run", "--resume", "require", "--events"));
        RunStarted started = await goesOn.Next<RunStarted>();
        EpochFinished next = await goesOn.Next<EpochFinished>();
        goesOn.Signal(signal);
        Assert.Equal(75, (await goesOn.End()).ExitCode);

        Assert.NotNull(started.ResumedFromEpoch);
        Assert.Equal(stopped.EpochsDone, next.Epoch);
        Assert.Equal([RunState.Stopped, RunState.Stopped], RunFolder.ReadRecord(RunPath).Attempts.Select(attempt => attempt.State));
    }

    [LinuxFact("Windows has no signals.")]
    public async Task SIGINT_stops_a_training_that_a_script_has_started_in_the_background_too()
    {
        using LiveTraining training = StartWithIgnored("INT");
        await training.Next<EpochFinished>();
        training.Signal(Interrupt);

        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Equal("SIGINT", Assert.Single(training.Events.OfType<StopRequested>()).Reason);
    }

    [LinuxFact("Windows has no nohup.")]
    public async Task A_training_under_nohup_goes_on_when_its_terminal_is_closed()
    {
        using LiveTraining training = StartWithIgnored("HUP");
        await training.Next<EpochFinished>();
        training.Signal(Hangup);
        await training.Next<EpochFinished>();
        await training.Next<EpochFinished>();
        training.Signal(Terminate);

        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Equal("SIGTERM", Assert.Single(training.Events.OfType<StopRequested>()).Reason);
    }

    // Signals that a shell ignores stay ignored in what it turns into.
    private LiveTraining StartWithIgnored(string signal)
    {
        string arguments = string.Join(' ', Arguments(100_000, "--events").Select(argument => $"'{argument}'"));
        ProcessStartInfo start = new("sh", ["-c", $"trap '' {signal}; exec '{HostRun.Executable}' {arguments}"])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new LiveTraining(Process.Start(start)!);
    }

    [LinuxFact("Windows has no signals.")]
    public async Task A_second_interrupt_ends_at_once()
    {
        // One step takes so long that it can't be over before the second signal.
        TinyPairs.Write(_folder.At("large"), side: 1024);
        using LiveTraining training = StartLong("--set", "data.path=large", "--set", "data.crop_size=1024", "--set", "loader.batch_size=4", "--set", "model.base_channels=16");
        await training.Next<EpochStarted>();
        training.Signal(Interrupt);
        await training.Next<StopRequested>();
        training.Signal(Interrupt);

        Assert.Equal(128 + Interrupt, (await training.End()).ExitCode);
        Assert.Equal(RunState.Interrupted, RunFolder.ReadRecord(RunPath).ObservedState);
    }

    [Fact]
    public async Task The_end_of_the_life_line_stops_with_a_checkpoint()
    {
        using LiveTraining training = StartLong("--life-line");
        await training.Next<StepFinished>();
        training.Input.Close();

        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Equal("the process that started it is gone", Assert.Single(training.Events.OfType<StopRequested>()).Reason);
    }

    [Fact]
    public async Task Lines_on_standard_input_ask_for_a_checkpoint_and_for_a_stop()
    {
        using LiveTraining training = StartLong("--life-line", "--set", "trainer.validate_every=1000000");
        await training.Next<StepFinished>();
        training.Input.WriteLine("checkpoint");
        training.Input.Flush();
        await training.Next<CheckpointSaved>();
        training.Input.WriteLine("stop");
        training.Input.Flush();

        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Equal("stop on standard input", Assert.Single(training.Events.OfType<StopRequested>()).Reason);
    }

    [Fact]
    public async Task A_run_whose_process_was_killed_goes_on_and_counts_the_interruption()
    {
        using (LiveTraining training = StartLong())
        {
            await training.Next<EpochFinished>();
            training.Signal(Kill);
            Assert.Equal(LiveTraining.Killed, (await training.End()).ExitCode);
        }

        Assert.Equal(RunState.Interrupted, RunFolder.ReadRecord(RunPath).ObservedState);

        using LiveTraining goesOn = StartLong();
        await goesOn.Next<EpochFinished>();
        goesOn.Signal(Terminate);
        Assert.Equal(75, (await goesOn.End()).ExitCode);
        Assert.Equal([RunState.Interrupted, RunState.Stopped], RunFolder.ReadRecord(RunPath).Attempts.Select(attempt => attempt.State));
    }

    [Fact]
    public async Task A_run_at_work_is_refused_to_a_second_process_that_is_told_which_one_works_on_it()
    {
        using LiveTraining training = StartLong();
        await training.Next<StepFinished>();

        HostRun second = await HostRun.To(_folder.Path, Arguments(epochs: 100_000));

        Assert.Equal(2, second.ExitCode);
        Assert.Equal($"Process {training.ProcessId} on {Environment.MachineName} works on the run at '{RunPath}'; wait until it has ended, or stop it.", Assert.Single(second.Sentences));
        training.Signal(Terminate);
        Assert.Equal(75, (await training.End()).ExitCode);
        Assert.Single(RunFolder.ReadRecord(RunPath).Attempts);
    }

    [Fact]
    public async Task Another_configuration_is_refused_with_the_keys_that_differ()
    {
        Assert.Equal(0, (await HostRun.To(_folder.Path, Arguments(epochs: 1))).ExitCode);

        HostRun other = await HostRun.To(_folder.Path, Arguments(epochs: 2, "--set", "seed=7"));

        Assert.Equal(2, other.ExitCode);
        Assert.Equal(
            $"The run at '{RunPath}' was begun with another configuration: seed is 0 there and 7 here, trainer.epochs is 1 there and 2 here (the learning rate of schedule.name: polynomial depends on it); name another folder for this one.",
            Assert.Single(other.Sentences));
    }

    [Fact]
    public async Task A_run_goes_on_with_what_changes_no_bit_and_says_so()
    {
        using (LiveTraining training = StartLong())
        {
            await training.Next<StepFinished>();
            training.Signal(Terminate);
            Assert.Equal(75, (await training.End()).ExitCode);
        }

        // The run's own configuration, with two settings that win over it.
        using LiveTraining goesOn = new(HostRun.Start(_folder.Path, "train", "--run-path", "run", "--events", "--set", "loader.num_workers=2", "--set", "checkpoint.every_steps=5"));
        RunWarning said = await goesOn.Next<RunWarning>();
        goesOn.Signal(Terminate);
        Assert.Equal(75, (await goesOn.End()).ExitCode);

        Assert.Equal("The run goes on with other settings: loader.num_workers was 1 and is 2, checkpoint.every_steps was null and is 5.", said.Message);
        Assert.Equal((2, 5), (RunFolder.ReadConfig<TrainingConfig>(RunPath).Loader.NumWorkers, RunFolder.ReadConfig<TrainingConfig>(RunPath).Checkpoint.EverySteps));
        HostRun other = await HostRun.To(_folder.Path, "train", "--run-path", "run", "--set", "loader.num_workers=3", "--set", "seed=7");
        Assert.Equal(
            $"The run at '{RunPath}' was begun with another configuration: seed is 0 there and 7 here; name another folder for this one.",
            Assert.Single(other.Sentences));
    }

    [Fact]
    public async Task A_run_goes_on_where_its_data_were_moved_and_says_so()
    {
        await StopAfterAStep();
        Directory.Move(_folder.At("data"), _folder.At("staged"));

        using LiveTraining goesOn = new(HostRun.Start(_folder.Path, "train", "--run-path", "run", "--events", "--set", "data.path=staged"));
        RunWarning said = await goesOn.Next<RunWarning>();
        await goesOn.Next<StepFinished>();
        goesOn.Signal(Terminate);

        Assert.Equal(75, (await goesOn.End()).ExitCode);
        Assert.Equal($"The run goes on with other settings: data.path was {Shown(_folder.At("data"))} and is {Shown(_folder.At("staged"))}.", said.Message);
        Assert.Equal(_folder.At("staged"), RunFolder.ReadConfig<TrainingConfig>(RunPath).Data.Path);
    }

    // As YAML writes it.
    private static string Shown(string path) => OperatingSystem.IsWindows() ? $"\"{path.Replace("\\", "\\\\", StringComparison.Ordinal)}\"" : path;

    [Fact]
    public async Task A_run_does_not_go_on_with_other_data_elsewhere_and_warns_of_other_data_where_they_were()
    {
        await StopAfterAStep();
        TinyPairs.Write(_folder.At("other"), side: 33);

        HostRun other = await HostRun.To(_folder.Path, "train", "--run-path", "run", "--set", "data.path=other");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains($"those at {Shown(_folder.At("other"))} are others: the training split had 4 samples of ", Assert.Single(other.Sentences), StringComparison.Ordinal);

        TinyPairs.Write(_folder.At("data"), side: 33);
        using LiveTraining goesOn = new(HostRun.Start(_folder.Path, "train", "--run-path", "run", "--events"));
        RunWarning said = await goesOn.Next<RunWarning>();
        goesOn.Signal(Terminate);
        await goesOn.End();
        Assert.StartsWith("The run goes on with other data than before: the training split had 4 samples of ", said.Message, StringComparison.Ordinal);
    }

    private async Task StopAfterAStep()
    {
        using LiveTraining training = StartLong();
        await training.Next<StepFinished>();
        training.Signal(Terminate);
        Assert.Equal(75, (await training.End()).ExitCode);
    }

    [Fact]
    public async Task A_checkpoint_that_is_damaged_or_of_another_model_is_refused_by_name()
    {
        Assert.Equal(0, (await HostRun.To(_folder.Path, Arguments(epochs: 1))).ExitCode);
        string checkpoint = Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(RunPath)).Single();

        HostRun other = await HostRun.To(_folder.Path, "evaluate", checkpoint, "--set", "model.base_channels=4");
        using (FileStream weights = new(Path.Combine(checkpoint, "weights.safetensors"), FileMode.Open))
        {
            weights.Position = weights.Length - 1;
            weights.WriteByte(0x7f);
        }

        HostRun damaged = await HostRun.To(_folder.Path, "evaluate", checkpoint);

        Assert.Equal((2, 2), (other.ExitCode, damaged.ExitCode));
        Assert.Contains("base_channels 2", Assert.Single(other.Sentences), StringComparison.Ordinal);
        Assert.Contains("base_channels 4", other.Error, StringComparison.Ordinal);
        Assert.Contains("weights.safetensors", Assert.Single(damaged.Sentences), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_can_be_evaluated_as_a_table_as_JSON_and_beside_differencing()
    {
        Assert.Equal(0, (await HostRun.To(_folder.Path, Arguments(epochs: 1))).ExitCode);

        HostRun table = await HostRun.To(_folder.Path, "evaluate", "run", "--baseline", "--trained-baseline");
        HostRun json = await HostRun.To(_folder.Path, "evaluate", "run", "--split", "val", "--trained-baseline", "--json");
        HostRun events = await HostRun.To(_folder.Path, "evaluate", Path.Combine(RunPath, "checkpoints", Path.GetFileName(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(RunPath)).First())), "--events");

        Assert.Equal((0, ""), (table.ExitCode, table.Error));
        Assert.Contains(" on 1 sample of the test split of ", table.Output, StringComparison.Ordinal);
        Assert.Contains("thresholded differencing ", table.Output, StringComparison.Ordinal);
        Assert.Contains("1.0000  (f1, the threshold chosen on the training split)", table.Output, StringComparison.Ordinal);
        EvaluationFinished validation = Assert.IsType<EvaluationFinished>(EventLine.Read(Encoding.UTF8.GetBytes(json.Output.TrimEnd('\n'))));
        Assert.Equal(("val", 1, 0), (validation.Split, validation.Samples, validation.Epoch));
        EpochFinished epoch = Assert.Single(RunJournalReader.ReadAll(RunFolder.JournalPathOf(RunPath)).OfType<EpochFinished>());
        Assert.Equal(epoch.Scores, validation.Scores);
        Assert.Equal([(32 * 32) - 100, 0, 0, 100], validation.TrainedDifferencingConfusion);
        Assert.Equal((32 * 32, 100), (validation.Confusion!.Sum(), validation.Confusion![2] + validation.Confusion[3]));
        EvaluationFinished test = Assert.IsType<EvaluationFinished>(EventLine.Read(Encoding.UTF8.GetBytes(events.Output.TrimEnd('\n').Split('\n')[^1])));
        Assert.Equal(RunFolder.ReadRecord(RunPath).TestScores, test.Scores);
    }
}
