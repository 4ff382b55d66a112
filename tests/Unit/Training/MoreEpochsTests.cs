using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class MoreEpochsTests
{
    [Fact]
    public void A_finished_run_with_a_constant_schedule_goes_on_to_the_bits_of_one_that_had_all_epochs()
    {
        using SmallTraining whole = new();
        using SmallTraining extended = new();
        whole.Config = Constant(whole.Config, epochs: 5);
        extended.Config = Constant(extended.Config, epochs: 3);

        whole.Run();
        extended.Run();
        extended.Config = Constant(extended.Config, epochs: 5);
        MemoryJournal journal = new();
        extended.Run(journal);

        Assert.Equal(whole.FinalState(), extended.FinalState());
        Assert.Equal([3, 4], journal.Of<EpochFinished>().Select(epoch => epoch.Epoch));
        Assert.Single(journal.Of<TestFinished>());
        Assert.Equal((5, 5), (RunFolder.ReadRecord(extended.RunPath).Epochs, RunFolder.ReadConfig<TrainingConfig>(extended.RunPath).Trainer.Epochs));
    }

    [Theory]
    [InlineData("polynomial", 5, "the learning rate of schedule.name: polynomial depends on it")]
    [InlineData("cosine", 5, "the learning rate of schedule.name: cosine depends on it")]
    [InlineData("constant", 2, "it has done 3 epochs")]
    public void Another_number_of_epochs_is_refused_where_the_bits_would_be_others(string schedule, int epochs, string reason)
    {
        using SmallTraining training = new();
        training.Config = Constant(training.Config, epochs: 3) with { Schedule = new ScheduleConfig { Name = schedule } };
        Finish(training);

        training.Config = training.Config with { Trainer = training.Config.Trainer with { Epochs = epochs } };
        RunException refused = Assert.Throws<RunException>(() => training.Run());

        Assert.Equal("RunConfigurationDiffers", refused.ErrorId);
        Assert.EndsWith($"trainer.epochs is 3 there and {epochs} here ({reason}); a new run can begin from its weights, by --set trainer.start_from=....", refused.Message, StringComparison.Ordinal);
        Assert.Equal(RunState.Finished, RunFolder.ReadRecord(training.RunPath).State);
    }

    // As a process does it, which keeps the run's record.
    private static void Finish(SmallTraining training)
    {
        using RunFolder run = RunFolder.Open(training.RunPath, training.Config, ResumeMode.Auto, RunVersions.Current());
        using RunJournal journal = new(run, TimeProvider.System);
        using TrainingControl control = new();
        new Trainer(TrainingPlan.Create(training.Config, training.Data), run, journal).Run(control);
        journal.Write(new RunFinished("finished", 0, null, null));
    }

    private static TrainingConfig Constant(TrainingConfig config, int epochs) => config with
    {
        Schedule = new ScheduleConfig { Name = "constant", WarmupSteps = 2 },
        Trainer = config.Trainer with { Epochs = epochs },
    };
}
