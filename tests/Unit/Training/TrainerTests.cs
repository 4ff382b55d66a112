using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;
using RobustTrain.Training.Tasks.ClassLabels.Losses;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class TrainerTests : IDisposable
{
    private const int StepsPerEpoch = 4;

    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();

    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    public void Stopped_after_every_step_it_ends_with_the_same_bits(string optimizer)
    {
        Configure(config => config with { Optimizer = config.Optimizer with { Name = optimizer } });
        Assert.Equal(ExitCode.Finished, _untouched.Run().ExitCode);

        int stops = 0;
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
            stops++;

        Assert.Equal(3 * StepsPerEpoch, stops);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void What_the_data_sets_warn_of_stands_in_the_journal_once_for_each_kind()
    {
        _untouched.Data = new DataSplits(
            new SquaresDataset(14) { Warnings = [new DatasetWarning("turned", "Turned", ["/a", "/b"])] },
            new SquaresDataset(6, salt: 1) { Warnings = [new DatasetWarning("turned", "Turned", ["/c"])] },
            new SquaresDataset(6, salt: 2) { Warnings = [new DatasetWarning("left_out", "Left out", ["/d"])] });
        MemoryJournal journal = new();
        _untouched.RunSteps(1, journal);
        Assert.Equal(
            [("turned", 3, "Turned (3 files: '/a', '/b', '/c')."), ("left_out", 1, "Left out (1 file: '/d').")],
            journal.Events.OfType<RunWarning>().Select(warning => (warning.Kind!, warning.Count!.Value, warning.Message)));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public void Stopped_in_an_epoch_it_ends_with_the_same_bits(int steps)
    {
        _untouched.Run();
        Assert.Equal(ExitCode.Stopped, _stopped.RunSteps(steps).ExitCode);
        Assert.Equal(ExitCode.Finished, _stopped.Run().ExitCode);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void Stopped_while_it_validates_and_while_it_tests_it_ends_with_the_same_bits()
    {
        _untouched.Run();
        var splits = new HashSet<string>();
        ExitCode code;
        do
        {
            using TrainingControl control = new();
            code = _stopped.Run(
                new MemoryJournal(runEvent =>
                {
                    if (runEvent is EvaluationProgress progress && splits.Add(progress.Split))
                        control.RequestStop();
                }),
                control).ExitCode;
        }
        while (code == ExitCode.Stopped);

        Assert.Equal(["test", "validation"], splits.Order());
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void Gone_on_with_after_a_crash_it_ends_with_the_same_bits()
    {
        _untouched.Run();
        Assert.Throws<InvalidOperationException>(() => _stopped.Run(new MemoryJournal(runEvent =>
        {
            if (runEvent is StepFinished { GlobalStep: 6 })
                throw new InvalidOperationException("a crash");
        })));
        _stopped.Run();
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void What_a_kill_after_the_last_checkpoint_left_half_deleted_goes_with_the_next_start()
    {
        _untouched.Run();
        foreach (string leftover in new[] { ".replaced-epoch-0000", ".writing-epoch-0002" })
            Directory.CreateDirectory(Path.Combine(_untouched.CheckpointsPath, leftover));
        File.Delete(Path.Combine(_untouched.RunPath, "test.json"));

        Assert.Equal(ExitCode.Finished, _untouched.Run().ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_untouched.CheckpointsPath, ".*"));
    }

    [Fact]
    public void Gone_on_with_after_its_newest_checkpoint_was_damaged_it_ends_with_the_same_bits()
    {
        _untouched.Run();
        _stopped.RunSteps(2 * StepsPerEpoch + 1);
        string weights = Path.Combine(_stopped.Checkpoints.List()[0].Path, Checkpoint.WeightsFile);
        using (FileStream file = File.OpenWrite(weights))
            file.SetLength(100);

        var journal = new MemoryJournal();
        _stopped.Run(journal);
        Assert.Contains(weights, Assert.Single(journal.Of<RunWarning>()).Message);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void The_number_of_workers_changes_no_bit()
    {
        _untouched.Run();
        _stopped.Config = _stopped.Config with { Loader = _stopped.Config.Loader with { NumWorkers = 0 } };
        _stopped.Run();
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void What_may_change_when_a_run_goes_on_changes_no_bit()
    {
        _untouched.Run();
        _stopped.RunSteps(5);
        _stopped.Config = _stopped.Config with
        {
            Name = "renamed",
            Loader = _stopped.Config.Loader with { NumWorkers = 1, PrefetchQueueLength = 2, PersistentWorkers = false, Timeout = TimeSpan.FromSeconds(7), MaxErrors = 2, HealthCheckInterval = TimeSpan.FromSeconds(0.5), MaxSkipped = 2, OnBadSample = BadSamplePolicy.Skip },
            Trainer = _stopped.Config.Trainer with { LogIntervalSeconds = 0.5, StepTimeoutSeconds = 600, DetectAnomaly = true, EvaluationWorkers = 3 },
            Checkpoint = new CheckpointConfig { Keep = "all", KeepEvery = 2, EverySteps = 2, EverySeconds = null },
            Numerics = _stopped.Config.Numerics with { MaxFailures = 3, OnFailure = "rollback" },
        };
        Assert.Equal(ExitCode.Finished, _stopped.Run().ExitCode);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void Another_seed_changes_the_weights()
    {
        _untouched.Run();
        _stopped.Config = _stopped.Config with { Seed = 8 };
        _stopped.Run();
        Assert.NotEqual(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void A_finished_run_started_again_is_finished()
    {
        TrainingOutcome first = _untouched.Run();
        var journal = new MemoryJournal();
        TrainingOutcome second = _untouched.Run(journal);

        Assert.Equal(ExitCode.Finished, second.ExitCode);
        Assert.Equal(first.TestScores, second.TestScores);
        Assert.Empty(journal.Of<EpochStarted>());
    }

    [Fact]
    public void It_learns()
    {
        Configure(config => config with
        {
            Model = config.Model with { BaseChannels = 4, Dropout = 0 },
            Trainer = config.Trainer with { Epochs = 25 },
            Optimizer = config.Optimizer with { LearningRate = 0.02 },
        });
        _untouched.Data = new DataSplits(new SquaresDataset(32), new SquaresDataset(8, salt: 1), new SquaresDataset(8, salt: 2));
        TrainingOutcome outcome = _untouched.Run();
        Assert.InRange(outcome.TestScores!["f1"], 0.8, 1);
    }

    [Fact]
    public void It_tells_what_it_does()
    {
        var journal = new MemoryJournal();
        TrainingOutcome outcome = _untouched.Run(journal);

        RunStarted started = Assert.Single(journal.Of<RunStarted>());
        Assert.Equal((3, StepsPerEpoch, null), (started.Epochs, started.StepsPerEpoch, started.ResumedFromEpoch));
        Assert.Equal([0, 1, 2], journal.Of<EpochStarted>().Select(epoch => epoch.Epoch));
        Assert.Equal(Enumerable.Range(0, 12).Select(step => (long)step), journal.Of<StepFinished>().Select(step => step.GlobalStep));
        Assert.Equal([0, 1, 2], journal.Of<CheckpointSaved>().Select(saved => saved.Epoch));
        Assert.Equal([0, 1, 2], journal.Of<EpochFinished>().Select(epoch => epoch.Epoch));
        TestFinished test = Assert.Single(journal.Of<TestFinished>());
        Assert.Equal(outcome.TestScores, test.Scores);
        Assert.Equal(journal.Of<EpochFinished>().Last(epoch => epoch.IsBest).Epoch, test.BestEpoch);
        foreach (EpochFinished epoch in journal.Of<EpochFinished>())
        {
            Assert.Equal(journal.Of<StepFinished>().Where(step => step.Epoch == epoch.Epoch).Average(step => step.Loss), epoch.TrainLoss, 6);
            Assert.InRange(epoch.DataWaitShare, 0, 1);
            Assert.True(epoch.SamplesPerSecond > 0);
        }
    }

    [Fact]
    public void Each_epoch_leaves_its_losses_and_scores()
    {
        _untouched.Run();
        for (int epoch = 0; epoch < 3; epoch++)
        {
            string folder = RunFolder.EpochFolderOf(_untouched.RunPath, epoch);
            string[] losses = File.ReadAllLines(Path.Combine(folder, "losses.csv"));
            Assert.Equal("step,global_step,loss,learning_rate", losses[0]);
            Assert.Equal(StepsPerEpoch, losses.Length - 1);
            string scores = File.ReadAllText(Path.Combine(folder, "scores.json"));
            Assert.Contains("\"f1\"", scores);
            Assert.Contains("\"square 5\"", scores);
        }
    }

    [Fact]
    public void Each_epoch_leaves_a_ledger_of_every_sample()
    {
        _stopped.RunSteps(6);
        _stopped.Run();
        for (int epoch = 0; epoch < 3; epoch++)
        {
            JsonElement ledger = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RunFolder.EpochFolderOf(_stopped.RunPath, epoch), "ledger.json"))).RootElement;
            Assert.Equal((epoch, 14, 4, 0), (ledger.GetProperty("epoch").GetInt32(), ledger.GetProperty("delivered").GetInt32(), ledger.GetProperty("batches").GetInt32(), ledger.GetProperty("skipped").GetInt32()));
        }

        string state = File.ReadAllText(Path.Combine(_stopped.Checkpoints.List()[0].Path, Checkpoint.StateFile));
        Assert.Contains("ledger_digest", state);
    }

    [Fact]
    public void Samples_that_can_not_be_read_are_skipped_within_the_budget_and_named()
    {
        Configure(config => config with { Loader = config.Loader with { OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 3 } });
        foreach (SmallTraining training in new[] { _untouched, _stopped })
            training.Data = training.Data with { Training = new SquaresDataset(14) { OnLoad = key => { if (key.Index == 5) throw new SampleException("The file is torn.", "5.png"); } } };
        var journal = new MemoryJournal();
        Assert.Equal(ExitCode.Finished, _untouched.Run(journal).ExitCode);
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        Assert.Contains(journal.Of<LoaderChanged>(), change => change.Kind == "sample_skipped" && change.Sample == "square 5");
        Assert.Contains("\"skipped\": 1", File.ReadAllText(Path.Combine(RunFolder.EpochFolderOf(_stopped.RunPath, 0), "ledger.json")));
    }

    [Fact]
    public void Where_whole_batches_are_skipped_their_step_goes_on_with_those_that_come()
    {
        Configure(config => config with
        {
            Loader = config.Loader with { BatchSize = 1, OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 3 },
            Trainer = config.Trainer with { Accumulate = 3 },
        });
        foreach (SmallTraining training in new[] { _untouched, _stopped })
            training.Data = training.Data with { Training = new SquaresDataset(14) { OnLoad = key => { if (key.Index is 5 or 9) throw new SampleException("The file is torn.", "torn.png"); } } };
        Assert.Equal(ExitCode.Finished, _untouched.Run().ExitCode);
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        for (int epoch = 0; epoch < 3; epoch++)
        {
            JsonElement ledger = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(RunFolder.EpochFolderOf(_stopped.RunPath, epoch), "ledger.json"))).RootElement;
            Assert.Equal((12, 2), (ledger.GetProperty("delivered").GetInt32(), ledger.GetProperty("skipped").GetInt32()));
        }
    }

    [Fact]
    public void Each_epoch_has_the_seed_that_is_listed_for_it()
    {
        _untouched.Config = _untouched.Config with { EpochSeeds = [5, 6, 5] };
        _stopped.Config = _stopped.Config with { EpochSeeds = [5, 6, 7] };
        _untouched.Run();
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(Digest(_untouched, 0), Digest(_stopped, 0));
        Assert.Equal(Losses(_untouched, 1), Losses(_stopped, 1));
        Assert.NotEqual(Losses(_untouched, 2), Losses(_stopped, 2));

        using var again = new SmallTraining { Config = _untouched.Config };
        while (again.RunSteps(3).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(_untouched.FinalState(), again.FinalState());

        static string Losses(SmallTraining training, int epoch) => File.ReadAllText(Path.Combine(RunFolder.EpochFolderOf(training.RunPath, epoch), "losses.csv"));

        static string? Digest(SmallTraining training, int epoch) => JsonDocument
            .Parse(File.ReadAllBytes(Path.Combine(RunFolder.EpochFolderOf(training.RunPath, epoch), "ledger.json"))).RootElement.GetProperty("digest").GetString();
    }

    [Fact]
    public void Validation_is_due_every_so_many_epochs_and_after_the_last()
    {
        Configure(config => config with { Trainer = config.Trainer with { Epochs = 4, ValidateEvery = 3 } });
        var journal = new MemoryJournal();
        _untouched.Run(journal);
        Assert.Equal([false, false, true, true], journal.Of<EpochFinished>().Select(epoch => epoch.Scores is not null));
    }

    [Fact]
    public void A_checkpoint_that_is_asked_for_is_taken_within_the_epoch()
    {
        using TrainingControl control = new();
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is StepFinished { GlobalStep: 1 })
                control.RequestCheckpoint();
        });
        Assert.Equal(ExitCode.Finished, _untouched.Run(journal, control).ExitCode);
        Assert.Equal([2L, 4, 8, 12], journal.Of<CheckpointSaved>().Select(saved => saved.GlobalStep));
    }

    // The next steps go on while it is written, and another may wait for its turn meanwhile.
    [Fact]
    public void A_checkpoint_holds_what_was_there_when_it_was_taken_however_late_it_is_written()
    {
        Configure(config => config with
        {
            Model = config.Model with { BaseChannels = 16 },
            Trainer = config.Trainer with { Epochs = 1, EmaDecay = 0.9 },
        });
        SortedDictionary<string, string> late = [], atOnce = [];
        while (_stopped.RunSteps(1, new MemoryJournal(runEvent => Note(runEvent, atOnce))).ExitCode == ExitCode.Stopped)
        {
        }

        using TrainingControl control = new();
        _untouched.Run(
            new MemoryJournal(runEvent =>
            {
                Note(runEvent, late);
                if (runEvent is StepFinished)
                    control.RequestCheckpoint();
                if (runEvent is CheckpointSaved)
                    Thread.Sleep(300);
            }),
            control);
        Assert.Equal(StepsPerEpoch + 1, late.Count);
        Assert.Equal(atOnce, late);

        static void Note(RunEvent runEvent, SortedDictionary<string, string> digests)
        {
            if (runEvent is CheckpointSaved saved)
            {
                digests[Path.GetFileName(saved.Path)] = string.Join(
                    ", ", CheckpointStore.Open(saved.Path).Manifest.Files.Where(file => file.Key != Checkpoint.StateFile).OrderBy(file => file.Key).Select(file => $"{file.Key} {file.Value.Sha256}"));
            }
        }
    }

    [Fact]
    public void A_stop_that_is_asked_for_while_data_is_awaited_ends_the_run()
    {
        using TrainingControl control = new();
        _untouched.Data = _untouched.Data with { Training = new SquaresDataset(14) { OnLoad = key => { if (key.Epoch == 1) control.RequestStop(); } } };
        Assert.Equal(ExitCode.Stopped, _untouched.Run(control: control).ExitCode);
        Assert.Equal(1, _untouched.Checkpoints.List()[0].Manifest.Cursor.Epoch);
    }

    [Fact]
    public void A_label_beyond_the_classes_is_named()
    {
        _untouched.Data = _untouched.Data with { Validation = new SquaresDataset(3) { ChangedClass = 7 } };
        RunException failed = Assert.Throws<RunException>(() => _untouched.Run());
        Assert.Equal((ExitCode.Data, "LabelOutOfRange"), (failed.ExitCode, failed.ErrorId));
        Assert.Contains("square 0", failed.Message);
    }

    [Fact]
    public void The_class_weights_of_the_data_are_counted_once()
    {
        Configure(config => config with { Criterion = new CriterionConfig { Name = "focal-dice", Weighting = "data" } });
        _untouched.Run();
        _stopped.RunSteps(5);
        _stopped.Run();
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
        Assert.Contains("class_distribution", File.ReadAllText(Path.Combine(_stopped.Checkpoints.List()[0].Path, Checkpoint.StateFile)));
    }

    [Fact]
    public void The_learning_rate_in_the_losses_follows_the_schedule()
    {
        Configure(config => config with { Schedule = new ScheduleConfig { Name = "step", StepEpochs = 1, Gamma = 0.5 } });
        _untouched.Run();
        double[] rates = [.. Enumerable.Range(0, 3).SelectMany(epoch => File.ReadAllLines(Path.Combine(RunFolder.EpochFolderOf(_untouched.RunPath, epoch), "losses.csv")).Skip(1))
            .Select(line => double.Parse(line.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal([.. Enumerable.Repeat(0.01, 4), .. Enumerable.Repeat(0.005, 4), .. Enumerable.Repeat(0.0025, 4)], rates);
    }

    [Fact]
    public void The_weights_in_a_checkpoint_carry_the_names_of_the_state_dict()
    {
        _untouched.Run();
        Checkpoint latest = _untouched.Checkpoints.List()[0];
        using SafeTensorsReader weights = SafeTensorsReader.Open(Path.Combine(latest.Path, Checkpoint.WeightsFile));
        using SafeTensorsReader optimizer = SafeTensorsReader.Open(Path.Combine(latest.Path, Checkpoint.OptimizerFile));
        Assert.Equal([2L, 3, 3, 3], weights.Entries["conv11.weight"].Shape);
        Assert.Contains("bn11.running_mean", weights.Entries.Keys);
        Assert.Equal([2L, 3, 3, 3], optimizer.Entries["conv11.weight.exp_avg"].Shape);
        Assert.Equal(12, BitConverter.ToInt64(optimizer.Read("conv11.weight.step")));
    }

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    private void Configure(Func<TrainingConfig, TrainingConfig> change)
    {
        _untouched.Config = change(_untouched.Config);
        _stopped.Config = change(_stopped.Config);
    }
}
