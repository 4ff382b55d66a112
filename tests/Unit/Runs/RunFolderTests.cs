using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using RobustTrain.Tests.Configuration;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private static readonly TrainingConfig s_config = new() { Name = "night", Data = new DataConfig { Path = System.IO.Path.GetFullPath("/data/szada") } };
    private static readonly RunVersions s_versions = RunVersions.Current("1.13.1");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private RunFolder Open(string path, ResumeMode resume = ResumeMode.Auto, TrainingConfig? config = null) =>
        RunFolder.Open(path, config ?? s_config, resume, s_versions);

    [Fact]
    public void A_new_run_has_its_record_and_its_configuration()
    {
        string path = _folder.At("runs", "a");
        using RunFolder run = Open(path);

        Assert.False(run.IsResumed);
        Assert.Equal(s_config, RunFolder.ReadConfig<TrainingConfig>(path), ConfigurationTexts.Same);
        RunRecord record = RunFolder.ReadRecord(path);
        Assert.Equal(("night", RunState.Running, 10, "f1"), (record.Name, record.State, record.Epochs, record.BestMetric));
        Assert.Equal(Environment.ProcessId, record.Process.ProcessId);
        Assert.Equal("1.13.1", record.Versions.LibTorch);
        Assert.Equal(ConfigurationWriter.Digest(s_config), record.ConfigurationDigest);
        Assert.Single(record.Attempts);
        Assert.Equal(System.IO.Path.Combine(path, "epochs", "0003"), run.EpochFolder(3));
        Assert.Empty(Directory.EnumerateFiles(path, "*.tmp"));
    }

    [Fact]
    public void The_record_is_JSON_with_names_that_scripts_rely_on()
    {
        string path = _folder.At("a");
        using RunFolder run = Open(path);

        JsonElement record = JsonDocument.Parse(File.ReadAllText(RunFolder.RecordPathOf(path))).RootElement;

        Assert.Equal(
            [
                "format", "id", "name", "state", "exit_code", "error", "error_id", "process", "working_directory", "git_commit", "versions",
                "configuration_digest", "data", "started", "updated", "ended", "epochs", "epochs_done", "epochs_saved", "best_metric", "best_epoch", "best_score", "ledger_totals", "test_scores", "slowest_rank", "attempts", "task", "score_names",
            ],
            record.EnumerateObject().Select(property => property.Name).ToArray(), EqualAsSets);
        Assert.Equal(["host", "process_id", "start"], record.GetProperty("process").EnumerateObject().Select(property => property.Name));
        Assert.Equal(["robusttrain", "libtorch", "dotnet", "os"], record.GetProperty("versions").EnumerateObject().Select(property => property.Name));
        Assert.Equal("running", record.GetProperty("state").GetString());
    }

    private static bool EqualAsSets(IEnumerable<string> left, IEnumerable<string> right) => left.Order().SequenceEqual(right.Order());

    [Fact]
    public void A_second_opener_is_refused_and_told_which_process_holds_the_run()
    {
        string path = _folder.At("a");
        using RunFolder run = Open(path);

        RunException refusal = Assert.Throws<RunException>(() => Open(path));

        Assert.Equal(("RunInUse", ExitCode.Configuration), (refusal.ErrorId, refusal.ExitCode));
        Assert.Contains($"Process {Environment.ProcessId} on {Environment.MachineName}", refusal.Message, StringComparison.Ordinal);
        Assert.Single(RunFolder.ReadRecord(path).Attempts);
    }

    [Fact]
    public void The_lock_holds_against_a_process_that_does_not_see_the_record_as_live()
    {
        string path = _folder.At("a");
        using RunFolder run = Open(path);
        run.Update(record => record with { Process = record.Process with { Start = "another boot" } });

        Assert.Equal("RunInUse", Assert.Throws<RunException>(() => Open(path)).ErrorId);
    }

    [Fact]
    public async Task Of_several_that_create_a_run_at_the_same_moment_each_gets_a_folder_of_its_own()
    {
        string[] candidates = [.. Enumerable.Range(1, 20).Select(number => _folder.At("runs", $"a-{number}"))];
        using Barrier start = new(6);

        RunFolder[] runs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                return RunFolder.Create(candidates, s_config, s_versions);
            },
            TaskCreationOptions.LongRunning)));

        Assert.Equal(6, runs.Select(run => run.Path).Distinct().Count());
        Assert.Equal(runs.Select(run => run.Path).Order(), Directory.EnumerateDirectories(_folder.At("runs")).Order());
        Assert.All(runs, run => Assert.Equal(run.Record.Id, RunFolder.ReadRecord(run.Path).Id));
        Array.ForEach(runs, run => run.Dispose());
    }

    [Fact]
    public void A_folder_that_is_there_already_is_not_chosen_for_a_new_run()
    {
        Directory.CreateDirectory(_folder.At("a"));

        using RunFolder run = RunFolder.Create([_folder.At("a"), _folder.At("b")], s_config, s_versions);

        Assert.Equal(_folder.At("b"), run.Path);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.At("a")));
    }

    [Fact]
    public async Task A_run_whose_process_on_another_machine_has_a_heartbeat_is_refused()
    {
        string path = _folder.At("a");
        LeaveRunOfAnotherMachine(path);
        using CancellationTokenSource dead = new();
        Task heart = Task.Run(async () =>
        {
            for (int beat = 100; !dead.IsCancellationRequested; beat++, await Task.Delay(100))
                await File.WriteAllTextAsync(System.IO.Path.Combine(path, "lock"), $"{beat,19}\n");
        });

        RunException refusal = Assert.Throws<RunException>(() => Open(path));

        await dead.CancelAsync();
        await heart;
        Assert.Equal(("RunInUse", ExitCode.Configuration), (refusal.ErrorId, refusal.ExitCode));
        Assert.Contains("on elsewhere works on the run", refusal.Message, StringComparison.Ordinal);
        Assert.Single(RunFolder.ReadRecord(path).Attempts);
    }

    [Fact]
    public void A_run_whose_process_on_another_machine_has_no_heartbeat_any_more_goes_on()
    {
        string path = _folder.At("a");
        LeaveRunOfAnotherMachine(path);

        using RunFolder run = Open(path);

        Assert.Equal([RunState.Interrupted, RunState.Running], run.Record.Attempts.Select(attempt => attempt.State));
    }

    [Fact]
    public void A_clock_that_is_set_back_makes_no_duration_negative_and_no_run_end_before_it_began()
    {
        string path = _folder.At("a");
        SetClock clock = new();
        using (RunFolder run = RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, clock))
        using (RunJournal journal = new(run, clock))
        {
            clock.Pass(TimeSpan.FromSeconds(100));
            clock.Set(TimeSpan.FromDays(-1));
            journal.Write(new RunFinished("finished", 0, null, null));
        }

        RunRecord record = RunFolder.ReadRecord(path);

        Assert.Equal((100, 100), (record.DurationSeconds, (record.Ended!.Value - record.Started).TotalSeconds));
    }

    [Fact]
    public void A_clock_that_is_set_ahead_and_a_time_between_two_processes_are_no_time_at_work()
    {
        string path = _folder.At("a");
        SetClock clock = new();
        for (int attempt = 0; attempt < 2; attempt++)
        {
            using RunFolder run = RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, clock);
            clock.Pass(TimeSpan.FromSeconds(100));
            clock.Set(TimeSpan.FromDays(30));
            run.Update(record => record);
            clock.Pass(TimeSpan.FromHours(1));
        }

        Assert.Equal(200, RunFolder.ReadRecord(path).DurationSeconds);
    }

    [Fact]
    public void A_run_goes_on_after_its_process_is_gone_and_counts_the_interruption()
    {
        string path = _folder.At("a");
        using (RunFolder first = Open(path))
            first.Update(record => record with { EpochsDone = 4, Process = record.Process with { Start = "another boot" } });
        Assert.Equal(RunState.Interrupted, RunFolder.ReadRecord(path).ObservedState);

        using RunFolder second = Open(path, ResumeMode.Require);

        Assert.True(second.IsResumed);
        Assert.Equal(4, second.Record.EpochsDone);
        Assert.Equal([RunState.Interrupted, RunState.Running], second.Record.Attempts.Select(attempt => attempt.State));
        Assert.Equal(RunState.Running, second.Record.ObservedState);
    }

    [Fact]
    public void Another_configuration_is_refused_with_the_keys_that_differ()
    {
        string path = _folder.At("a");
        Open(path).Dispose();
        TrainingConfig other = s_config with { Seed = 7, Optimizer = new OptimizerConfig { LearningRate = 0.5 } };
        string[] before = Snapshot(path);

        RunException refusal = Assert.Throws<RunException>(() => RunFolder.Check(path, other, ResumeMode.Auto));
        Assert.Throws<RunException>(() => Open(path, config: other));

        Assert.Equal("RunConfigurationDiffers", refusal.ErrorId);
        Assert.Contains("seed is 0 there and 7 here, optimizer.learning_rate is 0.001 there and 0.5 here", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("momentum", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot(path));
    }

    [Fact]
    public void Data_at_another_path_go_on_where_names_and_sizes_are_the_same()
    {
        string path = _folder.At("a");
        TrainingConfig moved = s_config with { Data = s_config.Data with { Path = System.IO.Path.GetFullPath("/staged") } };
        RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, data: Splits(9)).Dispose();

        RunFolder.Check(path, moved, ResumeMode.Auto);
        using (RunFolder second = RunFolder.Open(path, moved, ResumeMode.Auto, s_versions, data: Splits(9)))
        {
            Assert.Equal("data.path", Assert.Single(second.Changes).Path);
            Assert.Null(second.DataDifference);
        }

        Assert.Equal(System.IO.Path.GetFullPath("/staged"), RunFolder.ReadConfig<TrainingConfig>(path).Data.Path);
        Assert.Equal(Splits(9), RunFolder.ReadRecord(path).Data);
    }

    [Fact]
    public void Other_data_at_another_path_are_refused_and_nothing_changes()
    {
        string path = _folder.At("a");
        TrainingConfig moved = s_config with { Data = s_config.Data with { Path = System.IO.Path.GetFullPath("/staged") } };
        RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, data: Splits(9)).Dispose();
        string[] before = Snapshot(path);

        RunException refusal = Assert.Throws<RunException>(() => RunFolder.Open(path, moved, ResumeMode.Auto, s_versions, data: Splits(8)));

        // As YAML writes it.
        string staged = OperatingSystem.IsWindows() ? $"\"{System.IO.Path.GetFullPath("/staged").Replace("\\", "\\\\", StringComparison.Ordinal)}\"" : "/staged";
        Assert.Equal("RunConfigurationDiffers", refusal.ErrorId);
        Assert.Contains($"those at {staged} are others: the training split had 2 samples of 9 bytes and has 2 of 8", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot(path));
    }

    [Fact]
    public void Other_names_of_the_same_sizes_are_other_data()
    {
        string path = _folder.At("a");
        TrainingConfig moved = s_config with { Data = s_config.Data with { Path = System.IO.Path.GetFullPath("/staged") } };
        RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, data: Splits(9)).Dispose();
        RunException refusal = Assert.Throws<RunException>(() => RunFolder.Open(path, moved, ResumeMode.Auto, s_versions, data: [Splits(9)[0] with { Digest = "other" }]));
        Assert.Contains("the training split has other names or sizes", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_noted_nothing_of_its_data_stays_at_their_path()
    {
        string path = _folder.At("a");
        Open(path).Dispose();
        TrainingConfig moved = s_config with { Data = s_config.Data with { Path = System.IO.Path.GetFullPath("/staged") } };
        RunException refusal = Assert.Throws<RunException>(() => RunFolder.Open(path, moved, ResumeMode.Auto, s_versions, data: Splits(9)));
        Assert.Contains("data.path is", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_changed_at_their_path_are_said_to_have()
    {
        string path = _folder.At("a");
        RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, data: Splits(9)).Dispose();
        using RunFolder second = RunFolder.Open(path, s_config, ResumeMode.Auto, s_versions, data: Splits(8));
        Assert.Equal("the training split had 2 samples of 9 bytes and has 2 of 8", second.DataDifference);
    }

    private static SplitRecord[] Splits(long bytes) => [new("training", 2, bytes, $"digest of {bytes}")];

    [Fact]
    public void A_folder_that_holds_something_else_is_refused_and_left_as_it_is()
    {
        string path = _folder.At("photos");
        Directory.CreateDirectory(path);
        File.WriteAllText(System.IO.Path.Combine(path, "cat.jpg"), "x");

        RunException refusal = Assert.Throws<RunException>(() => Open(path));

        Assert.Equal("RunPathNotEmpty", refusal.ErrorId);
        Assert.Contains("'cat.jpg'", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(["cat.jpg"], Directory.EnumerateFileSystemEntries(path).Select(System.IO.Path.GetFileName));
    }

    [Fact]
    public void A_file_is_no_run_path()
    {
        string path = _folder.At("file");
        File.WriteAllText(path, "x");

        Assert.Equal("RunPathIsFile", Assert.Throws<RunException>(() => Open(path)).ErrorId);
    }

    [Fact]
    public void An_empty_folder_may_become_a_run() => Open(_folder.Path).Dispose();

    [Fact]
    public void A_folder_in_which_a_start_was_killed_may_become_a_run()
    {
        File.WriteAllText(_folder.At("lock"), "");
        File.WriteAllText(_folder.At("run.json.4711.tmp"), "{");

        Open(_folder.Path).Dispose();

        Assert.True(RunFolder.IsRun(_folder.Path));
    }

    [Fact]
    public void A_start_that_was_killed_before_its_configuration_was_written_goes_on()
    {
        string path = _folder.At("a");
        Open(path).Dispose();
        File.Delete(RunFolder.ConfigPathOf(path));

        Open(path).Dispose();

        Assert.Equal(s_config, RunFolder.ReadConfig<TrainingConfig>(path), ConfigurationTexts.Same);
    }

    [Fact]
    public void Never_resuming_refuses_a_run_and_requiring_to_refuses_an_empty_folder()
    {
        string path = _folder.At("a");
        Assert.Equal("RunNotFound", Assert.Throws<RunException>(() => Open(path, ResumeMode.Require)).ErrorId);
        Assert.False(Directory.Exists(path));

        Open(path, ResumeMode.Never).Dispose();

        Assert.Equal("RunExists", Assert.Throws<RunException>(() => Open(path, ResumeMode.Never)).ErrorId);
    }

    [Fact]
    public void What_a_failed_start_created_is_removed_again()
    {
        // A folder where the record should be makes writing it fail, even for root.
        string path = _folder.At("runs", "a");
        Directory.CreateDirectory(path);
        Directory.CreateDirectory(System.IO.Path.Combine(path, $"run.json.{Environment.ProcessId}.tmp"));

        RunException refusal = Assert.Throws<RunException>(() => Open(path));

        Assert.Equal(("RunPathNotWritable", ExitCode.Configuration), (refusal.ErrorId, refusal.ExitCode));
        Assert.Equal([$"run.json.{Environment.ProcessId}.tmp"], Directory.EnumerateFileSystemEntries(path).Select(System.IO.Path.GetFileName));
    }

    [LinuxTheory("It is about folders of Linux.")]
    [InlineData("/proc/robusttrain", "The folder '/proc/robusttrain' can't be made: '/proc' takes no new folders.")]
    [InlineData("/dev/null/run", "The folder '/dev/null/run' can't be made: '/dev/null' is a file.")]
    public void A_folder_that_can_not_be_made_is_refused_with_the_reason(string path, string sentence)
    {
        RunException refusal = Assert.Throws<RunException>(() => Open(path));

        Assert.Equal(("RunPathNotWritable", sentence), (refusal.ErrorId, refusal.Message));
    }

    [Fact]
    public void A_path_below_a_file_is_refused_in_one_sentence()
    {
        File.WriteAllText(_folder.At("file"), "x");

        RunException refusal = Assert.Throws<RunException>(() => Open(_folder.At("file", "a", "b")));

        Assert.Equal("RunPathNotWritable", refusal.ErrorId);
        Assert.Equal($"The folder '{_folder.At("file", "a", "b")}' can't be made: '{_folder.At("file")}' is a file.", refusal.Message);
        Assert.Equal(refusal.Message, Assert.Throws<RunException>(() => RunFolder.CheckPath(_folder.At("file", "a", "b"), ResumeMode.Auto)).Message);
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData("", "RunRecordNotReadable")]
    [InlineData("{", "RunRecordNotReadable")]
    [InlineData("null", "RunRecordNotReadable")]
    public void A_damaged_record_is_named(string text, string errorId)
    {
        File.WriteAllText(_folder.At("run.json"), text);

        RunException refusal = Assert.Throws<RunException>(() => Open(_folder.Path));

        Assert.Equal(errorId, refusal.ErrorId);
        Assert.Contains(_folder.At("run.json"), refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("BytePositionInLine", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_of_a_newer_version_is_refused()
    {
        string path = _folder.At("a");
        using (RunFolder run = Open(path))
            run.Update(record => record with { Format = 99 });

        Assert.Contains("format 99", Assert.Throws<RunException>(() => RunFolder.ReadRecord(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_end_of_a_run_stands_in_its_record_and_in_its_attempt()
    {
        string path = _folder.At("a");
        using (RunFolder run = Open(path))
        using (RunJournal journal = new(run))
        {
            journal.Write(new RunStarted(run.Record.Id, path, Environment.ProcessId, 10, 5, null));
            journal.Write(new CheckpointSaved("epoch-0000", 0, 5, 100, 0.1) { CompletedEpoch = 0 });
            journal.Write(new CheckpointSaved("epoch-0001", 1, 10, 100, 0.1) { CompletedEpoch = 1 });
            journal.Write(new EpochFinished(0, 0.7, new Dictionary<string, double> { ["f1"] = 0.4 }, IsBest: true, 0.1, 10, 0.1, 3));
            journal.Write(new EpochFinished(1, 0.6, new Dictionary<string, double> { ["f1"] = 0.3 }, IsBest: false, 0.1, 10, 0.1, 3));
            journal.Write(new RunFinished("failed", 4, "The loss is NaN.", "LossNotFinite"));
        }

        RunRecord record = RunFolder.ReadRecord(path);

        Assert.Equal((RunState.Failed, 4, "The loss is NaN.", "LossNotFinite"), (record.State, record.ExitCode, record.Error, record.ErrorId));
        Assert.Equal((2, 0, 0.4), (record.EpochsDone, record.BestEpoch, record.BestScore));
        Assert.Equal((RunState.Failed, 4), (record.Attempts[0].State, record.Attempts[0].ExitCode));
        Assert.NotNull(record.Ended);
    }

    [Theory]
    [InlineData("failed", 1, 0)]
    [InlineData("stopped", 2, 1)]
    public void A_run_that_fails_has_no_more_epochs_than_its_checkpoints(string state, int epochsDone, int bestEpoch)
    {
        using RunFolder run = Open(_folder.At("a"));
        using RunJournal journal = new(run);
        journal.Write(new RunStarted(run.Record.Id, run.Path, Environment.ProcessId, 10, 5, null));
        journal.Write(new CheckpointSaved("epoch-0000", 0, 5, 100, 0.1) { CompletedEpoch = 0 });
        journal.Write(new EpochFinished(0, 0.7, new Dictionary<string, double> { ["f1"] = 0.4 }, IsBest: true, 0.1, 10, 0.1, 3));
        journal.Write(new CheckpointSaved("step-7", 1, 7, 100, 0.1));
        journal.Write(new EpochFinished(1, 0.6, new Dictionary<string, double> { ["f1"] = 0.5 }, IsBest: bestEpoch == 1, 0.1, 10, 0.1, 3));
        journal.Write(new RunFinished(state, 1, "The disk is full.", "CheckpointNotWritten"));

        RunRecord record = RunFolder.ReadRecord(run.Path);

        Assert.Equal((epochsDone, bestEpoch), (record.EpochsDone, record.BestEpoch));
    }

    [LinuxFact("Windows does not let a folder be deleted in which a file is open.")]
    public void A_folder_that_is_deleted_under_its_run_is_not_made_again()
    {
        string path = _folder.At("a");
        using RunFolder run = Open(path);
        using RunJournal journal = new(run);
        Directory.Delete(path, recursive: true);

        RunException gone = Assert.Throws<RunException>(() => journal.Write(new EpochFinished(0, 0.7, null, false, 0.1, 10, 0.1, 3)));

        Assert.Equal((ExitCode.Unexpected, "RunFolderGone"), (gone.ExitCode, gone.ErrorId));
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public void What_was_opened_can_be_put_back()
    {
        string path = _folder.At("a");
        using (RunFolder first = Open(path))
            first.Update(record => record with { State = RunState.Stopped, ExitCode = 75 });
        string before = File.ReadAllText(RunFolder.RecordPathOf(path));

        using (RunFolder second = Open(path))
            second.TakeBack();

        Assert.Equal(before, File.ReadAllText(RunFolder.RecordPathOf(path)));
    }

    [Theory]
    [InlineData("nigth", "night")]
    [InlineData("something else", null)]
    public void A_run_that_is_not_there_is_named_with_the_nearest_one(string name, string? nearest)
    {
        Open(_folder.At("night")).Dispose();

        string message = RunFolder.NoRunAt(_folder.At(name), "to go on with").Message;

        Assert.Equal($"There is no run at '{_folder.At(name)}' to go on with{(nearest is null ? "." : $"; did you mean '{_folder.At(nearest)}'?")}", message);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(-1, 0)]
    [InlineData(1, 2)]
    public void A_run_that_goes_on_from_an_older_checkpoint_counts_only_the_epochs_before_it(int? resumedFromEpoch, int epochsDone)
    {
        using RunFolder run = Open(_folder.At("a"));
        using RunJournal journal = new(run);
        run.Update(record => record with { EpochsDone = 5 });

        journal.Write(new RunStarted(run.Record.Id, run.Path, Environment.ProcessId, 10, 5, resumedFromEpoch));

        Assert.Equal(epochsDone, run.Record.EpochsDone);
    }

    private static string[] Snapshot(string path) =>
        [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order().Select(file => $"{file}: {File.ReadAllText(file)}")];

    [Fact]
    public void What_a_killed_process_left_half_written_goes_when_the_run_is_opened_again()
    {
        using TemporaryFolder folder = new();
        string run = folder.At("run");
        TrainingConfig config = new() { Data = new DataConfig { Path = "/d" } };
        RunFolder.Open(run, config, ResumeMode.Never, RunVersions.Current()).Dispose();
        string half = Path.Combine(run, "epochs", "ledger.json.123.tmp");
        string other = Path.Combine(run, "epochs", "mine.tmp");
        File.WriteAllText(half, "");
        File.WriteAllText(other, "");

        RunFolder.Open(run, config, ResumeMode.Auto, RunVersions.Current()).Dispose();

        Assert.False(File.Exists(half));
        Assert.True(File.Exists(other));
    }

    private void LeaveRunOfAnotherMachine(string path)
    {
        using RunFolder run = Open(path);
        run.Update(record => record with { Process = record.Process with { Host = "elsewhere" } });
    }

    /// <summary>A wall clock that can be set, beside a time that only goes on.</summary>
    private sealed class SetClock : TimeProvider
    {
        private TimeSpan _passed;
        private DateTimeOffset _wall = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _passed.Ticks;

        public override DateTimeOffset GetUtcNow() => _wall;

        public void Pass(TimeSpan time)
        {
            _passed += time;
            _wall += time;
        }

        public void Set(TimeSpan by) => _wall += by;
    }
}
