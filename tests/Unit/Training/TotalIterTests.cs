using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

/// <summary>Trainings that are told their steps in place of their epochs (trainer.total_iter); an epoch has four.</summary>
[Collection(TorchCollection.Name)]
public sealed class TotalIterTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stopped = new();

    [Fact]
    public void The_last_epoch_ends_with_the_last_step_and_is_validated_and_tested()
    {
        Configure(10, config => config with { Trainer = config.Trainer with { ValidateEvery = 5 } });
        MemoryJournal journal = new();

        Assert.Equal(ExitCode.Finished, _untouched.Run(journal).ExitCode);

        Assert.Equal(10, journal.Events.OfType<StepFinished>().Count());
        Assert.Equal(3, Assert.Single(journal.Events.OfType<RunStarted>()).Epochs);
        EpochFinished[] epochs = [.. journal.Events.OfType<EpochFinished>()];
        Assert.Equal([false, false, true], epochs.Select(epoch => epoch.Scores is not null));
        Assert.Single(journal.Events.OfType<TestFinished>());
        string[] losses = File.ReadAllLines(Path.Combine(_untouched.RunPath, "epochs", "0002", "losses.csv"));
        Assert.Equal(["0,8", "1,9"], losses.Skip(1).Select(line => string.Join(',', line.Split(',').Take(2))));
    }

    [Fact]
    public void The_schedule_counts_to_the_last_step()
    {
        Configure(10, config => config with { Schedule = new ScheduleConfig { Name = "polynomial", Power = 1 } });
        MemoryJournal journal = new();

        _untouched.Run(journal);

        double[] rates = [.. journal.Events.OfType<StepFinished>().Select(step => step.LearningRate)];
        Assert.Equal(0.01 * 0.1, rates[^1], 9);
        Assert.Equal(0.01 * 0.5, rates[5], 9);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(8)]
    [InlineData(3)]
    public void Stopped_after_every_step_it_ends_with_the_same_bits(int total)
    {
        Configure(total);
        Assert.Equal(ExitCode.Finished, _untouched.Run().ExitCode);

        int stops = 0;
        while (_stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
            stops++;

        Assert.Equal(total, stops);
        Assert.Equal(_untouched.FinalState(), _stopped.FinalState());
    }

    [Fact]
    public void A_finished_one_started_again_is_finished()
    {
        Configure(6);
        _untouched.Run();
        IReadOnlyDictionary<string, string> before = _untouched.FinalState();
        MemoryJournal journal = new();

        Assert.Equal(ExitCode.Finished, _untouched.Run(journal).ExitCode);

        Assert.Empty(journal.Events.OfType<StepFinished>());
        Assert.Equal(before, _untouched.FinalState());
    }

    [Fact]
    public void Too_few_seeds_of_epochs_are_refused_with_the_epochs_that_there_are()
    {
        Configure(10, config => config with { EpochSeeds = [1, 2] });

        RunException refused = Assert.Throws<RunException>(() => TrainingPlan.Create(_untouched.Config, _untouched.Data));

        Assert.Equal("epoch_seeds has 2 seeds, but trainer.total_iter takes 3 epochs of 4 steps.", refused.Message);
    }

    public void Dispose()
    {
        _untouched.Dispose();
        _stopped.Dispose();
    }

    private void Configure(int steps, Func<TrainingConfig, TrainingConfig>? change = null)
    {
        foreach (SmallTraining training in new[] { _untouched, _stopped })
        {
            TrainingConfig config = training.Config with { Trainer = training.Config.Trainer with { TotalIter = steps } };
            training.Config = change?.Invoke(config) ?? config;
        }
    }
}
