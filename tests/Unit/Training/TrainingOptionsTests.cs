using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class TrainingOptionsTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();
    private readonly MemoryJournal _journal = new();

    public static TheoryData<string> Options => ["accumulate", "ema", "clip", "early stopping", "deterministic", "freeze", "anomaly"];

    [Theory]
    [MemberData(nameof(Options))]
    public void With_every_option_stopped_anywhere_it_ends_with_the_same_bits(string option)
    {
        Configure(config => option switch
        {
            "accumulate" => config with { Trainer = config.Trainer with { Accumulate = 3 } },
            "ema" => config with { Trainer = config.Trainer with { EmaDecay = 0.9 } },
            "clip" => config with { Trainer = config.Trainer with { ClipNorm = 0.1, ClipValue = 0.01 } },
            "early stopping" => config with { Trainer = config.Trainer with { Epochs = 6 }, Selection = new SelectionConfig { Metrics = ["recall", "precision"], Order = "partial", Patience = 1 } },
            "deterministic" => config with { Trainer = config.Trainer with { Deterministic = true } },
            "freeze" => config with { Trainer = config.Trainer with { Freeze = ["conv1*", "bn1*"] } },
            // Few steps: each takes a second, since libtorch keeps a stack trace of every operation.
            "anomaly" => config with { Trainer = config.Trainer with { DetectAnomaly = true, Epochs = 2 }, Loader = config.Loader with { BatchSize = 7 } },
            _ => throw new ArgumentException(option),
        });
        _untouched.Run();
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void Accumulation_makes_fewer_and_larger_steps()
    {
        Configure(config => config with { Trainer = config.Trainer with { Accumulate = 3 } });
        _untouched.Run(_journal);
        Assert.Equal(2, Assert.Single(_journal.Of<RunStarted>()).StepsPerEpoch);
        Assert.Equal([0, 1, 0, 1, 0, 1], _journal.Of<StepFinished>().Select(step => step.Step));
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(1, 4)]
    public void Accumulation_learns_what_the_bigger_batch_does_where_each_part_has_the_same_statistics(int batchSize, int accumulate)
    {
        // At 16 pixels the deepest features are 2x2, and what their statistics round differently for 4 samples than for 1 came to 1.1e-4 of the loss.
        var data = new SquaresDataset(14, side: 32) { IsUniform = true };
        Configure(config => config with { Model = config.Model with { Dropout = 0 }, Optimizer = new OptimizerConfig { Name = "sgd", LearningRate = 0.01 } });
        _untouched.Data = _untouched.Data with { Training = data };
        _stopped.Data = _untouched.Data;
        _stopped.Config = _stopped.Config with { Loader = _stopped.Config.Loader with { BatchSize = batchSize }, Trainer = _stopped.Config.Trainer with { Accumulate = accumulate } };
        _untouched.Run(_journal);
        var parts = new MemoryJournal();
        _stopped.Run(parts);

        Assert.Equal(12, parts.Of<StepFinished>().Count);
        foreach ((StepFinished whole, StepFinished part) in _journal.Of<StepFinished>().Zip(parts.Of<StepFinished>()))
            Assert.InRange(part.Loss, whole.Loss * (1 - 1e-4), whole.Loss * (1 + 1e-4));
    }

    [Fact]
    public void A_decay_of_nothing_averages_to_the_weights_themselves()
    {
        Configure(config => config with { Trainer = config.Trainer with { EmaDecay = 0 } });
        _untouched.Run();
        string checkpoint = _untouched.Checkpoints.List()[0].Path;
        using SafeTensorsReader weights = SafeTensorsReader.Open(Path.Combine(checkpoint, Checkpoint.WeightsFile));
        using SafeTensorsReader average = SafeTensorsReader.Open(Path.Combine(checkpoint, Checkpoint.AverageFile));
        Assert.NotEmpty(average.Entries);
        foreach (string name in average.Entries.Keys)
            Assert.Equal(weights.Read(name), average.Read(name));
    }

    [Fact]
    public void Validation_and_test_use_the_average()
    {
        // An average that hardly moves stays at the first weights, whatever is learned.
        Configure(config => config with { Trainer = config.Trainer with { EmaDecay = 0.999999999, Epochs = 8 }, Optimizer = config.Optimizer with { LearningRate = 0.03 } });
        _untouched.Run(_journal);
        _stopped.Config = _untouched.Config with { Optimizer = _untouched.Config.Optimizer with { LearningRate = 0 } };
        var still = new MemoryJournal();
        _stopped.Run(still);

        using SafeTensorsReader average = SafeTensorsReader.Open(Path.Combine(_untouched.Checkpoints.List()[0].Path, Checkpoint.AverageFile));
        using SafeTensorsReader first = SafeTensorsReader.Open(Path.Combine(_stopped.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
        using SafeTensorsReader learned = SafeTensorsReader.Open(Path.Combine(_untouched.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
        float[] start = SmallTraining.Floats(first, "conv11.weight");
        Assert.All(start.Zip(SmallTraining.Floats(average, "conv11.weight")), pair => Assert.Equal(pair.First, pair.Second, 4));
        Assert.NotEqual(start, SmallTraining.Floats(learned, "conv11.weight"));
    }

    [Fact]
    public void What_is_frozen_stays_as_it_was()
    {
        Configure(config => config with { Trainer = config.Trainer with { Freeze = ["conv1*"] } });
        _untouched.Run(_journal);
        Assert.Equal(8, Assert.Single(_journal.Of<RunStarted>()).FrozenParameters);
        _stopped.Config = _untouched.Config with { Seed = _untouched.Config.Seed, Optimizer = _untouched.Config.Optimizer with { LearningRate = 0, WeightDecay = 0 } };
        _stopped.Run();

        using SafeTensorsReader learned = SafeTensorsReader.Open(Path.Combine(_untouched.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
        using SafeTensorsReader first = SafeTensorsReader.Open(Path.Combine(_stopped.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
        Assert.Equal(first.Read("conv11.weight"), learned.Read("conv11.weight"));
        Assert.NotEqual(first.Read("conv21.weight"), learned.Read("conv21.weight"));
    }

    [Fact]
    public void A_pattern_that_matches_no_parameter_is_refused_before_anything_is_made()
    {
        Configure(config => config with { Trainer = config.Trainer with { Freeze = ["encoder.*"] } });
        RunException refused = Assert.Throws<RunException>(() => _untouched.Run());
        Assert.Equal((ExitCode.Configuration, "FreezeMatchesNothing"), (refused.ExitCode, refused.ErrorId));
        Assert.Contains("'encoder.*', which matches no parameter; the parameters are conv11.weight", refused.Message);
        Assert.False(Directory.Exists(_untouched.RunPath));

        Configure(config => config with { Trainer = config.Trainer with { Freeze = ["cnov11*"] } });
        Assert.EndsWith("Did you mean 'conv11*'?", Assert.Throws<RunException>(() => _untouched.Run()).Message, StringComparison.Ordinal);
        Configure(config => config with { Trainer = config.Trainer with { Freeze = ["cnov1*"] } });
        Assert.EndsWith("Did you mean 'conv1*'?", Assert.Throws<RunException>(() => _untouched.Run()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Freezing_everything_is_refused()
    {
        Configure(config => config with { Trainer = config.Trainer with { Freeze = ["*"] } });
        Assert.Equal("FreezeLeavesNothing", Assert.Throws<RunException>(() => _untouched.Run()).ErrorId);
    }

    [Fact]
    public void A_training_starts_from_the_weights_of_another()
    {
        _untouched.Run();
        Checkpoint best = _untouched.Checkpoints.List().First(checkpoint => checkpoint.Manifest.IsBest);
        foreach (string from in new[] { _untouched.RunPath, best.Path, Path.Combine(best.Path, Checkpoint.WeightsFile) })
        {
            using var started = new SmallTraining();
            started.Config = started.Config with
            {
                Trainer = started.Config.Trainer with { StartFrom = from, Epochs = 1 },
                Schedule = new ScheduleConfig { Name = "constant" },
                Optimizer = started.Config.Optimizer with { LearningRate = 0, WeightDecay = 0 },
            };
            var journal = new MemoryJournal();
            started.Run(journal);
            Assert.Equal(from == _untouched.RunPath ? best.Path : from, Assert.Single(journal.Of<RunStarted>()).StartedFrom);
            using SafeTensorsReader expected = SafeTensorsReader.Open(Path.Combine(best.Path, Checkpoint.WeightsFile));
            using SafeTensorsReader actual = SafeTensorsReader.Open(Path.Combine(started.Checkpoints.List()[0].Path, Checkpoint.WeightsFile));
            Assert.Equal(expected.Read("conv11.weight"), actual.Read("conv11.weight"));
        }
    }

    [Fact]
    public void Starting_weights_that_are_not_there_or_of_another_model_are_refused_before_anything_is_made()
    {
        _untouched.Run();
        Refused(CheckpointException.NotFound, "there is nothing at", "nowhere", 2);
        Refused(CheckpointException.NotFound, "is no such folder; a run's or a checkpoint's folder or a safetensors file is expected", Path.GetDirectoryName(_untouched.RunPath)!, 2);
        Refused(CheckpointException.OtherModel, "of another model", _untouched.RunPath, 3);
        Refused(CheckpointException.OtherModel, "of another model", Path.Combine(_untouched.Checkpoints.List()[0].Path, Checkpoint.WeightsFile), 3);
        Refused(CheckpointException.Damaged, "trainer.start_from can't be read", RunFolder.ConfigPathOf(_untouched.RunPath), 2);
        Assert.False(Directory.Exists(_stopped.RunPath));

        void Refused(string errorId, string sentence, string from, int baseChannels)
        {
            _stopped.Config = _stopped.Config with { Model = _stopped.Config.Model with { BaseChannels = baseChannels }, Trainer = _stopped.Config.Trainer with { StartFrom = from } };
            RunException refused = Assert.Throws<CheckpointException>(() => _stopped.Run());
            Assert.Equal((ExitCode.Configuration, errorId), (refused.ExitCode, refused.ErrorId));
            Assert.Contains(sentence, refused.Message);
        }
    }

    [Fact]
    public void Without_a_better_epoch_it_ends_early_and_tests_the_best()
    {
        Configure(config => config with
        {
            Trainer = config.Trainer with { Epochs = 9 },
            Optimizer = config.Optimizer with { LearningRate = 0, WeightDecay = 0 },
            Selection = new SelectionConfig { Metrics = ["accuracy"], Patience = 2 },
            Model = config.Model with { Dropout = 0 },
        });
        // Only the running statistics move; with all images alike they move towards one point, and the scores soon stay.
        TrainingOutcome outcome = _untouched.Run(_journal);
        StoppedEarly early = Assert.Single(_journal.Of<StoppedEarly>());
        Assert.Equal(ExitCode.Finished, outcome.ExitCode);
        Assert.Equal(2, early.Patience);
        Assert.Equal(early.BestEpoch + 2, early.Epoch);
        Assert.Equal(early.BestEpoch, Assert.Single(_journal.Of<TestFinished>()).BestEpoch);
        Assert.Equal(early.Epoch + 1, _journal.Of<EpochFinished>().Count);

        Assert.Equal(ExitCode.Finished, _untouched.Run(new MemoryJournal()).ExitCode);
    }

    [Fact]
    public void Epochs_that_are_not_validated_do_not_end_the_training()
    {
        Configure(config => config with
        {
            Trainer = config.Trainer with { Epochs = 12, ValidateEvery = 3 },
            Optimizer = config.Optimizer with { LearningRate = 0, WeightDecay = 0 },
            Selection = new SelectionConfig { Patience = 1 },
        });
        _untouched.Run(_journal);
        Assert.NotNull(_journal.Of<EpochFinished>()[^1].Scores);
        Assert.Equal(_journal.Of<EpochFinished>()[^1].Epoch, _journal.Of<StoppedEarly>() is [var early] ? early.Epoch : 11);
    }

    [Fact]
    public void Checkpoints_are_taken_every_so_many_steps_beside_the_training()
    {
        Configure(config => config with { Checkpoint = config.Checkpoint with { EverySteps = 3 }, Data = config.Data with { EnlargeRatio = 4 }, Trainer = config.Trainer with { Epochs = 1 } });
        _untouched.Run(_journal);
        long[] steps = [.. _journal.Of<CheckpointSaved>().Select(saved => saved.GlobalStep)];
        Assert.Contains(3L, steps);
        Assert.All(steps[..^1], step => Assert.Equal(0, step % 3));
        Assert.Equal(14, steps[^1]);
        Assert.Equal(steps.Order(), steps);
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
