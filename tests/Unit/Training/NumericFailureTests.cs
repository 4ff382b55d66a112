using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Steps;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class NumericFailureTests : IDisposable
{
    private readonly SmallTraining _training = new();
    private readonly MemoryJournal _journal = new();

    [Fact]
    public void A_loss_that_is_not_a_number_names_the_step_the_samples_and_where_it_began()
    {
        Poison(5);
        RunException failed = Assert.Throws<RunException>(() => _training.Run());
        Assert.Equal((ExitCode.Numeric, "NumericFailure"), (failed.ExitCode, failed.ErrorId));
        Assert.Contains("The loss is NaN at step", failed.Message);
        Assert.Contains("square 5", failed.Message);
        Assert.Contains("the first images hold values that are not finite", failed.Message);
    }

    [Fact]
    public void A_step_that_is_skipped_leaves_no_trace_in_the_weights()
    {
        Configure(new NumericsConfig { OnFailure = "skip" });
        Poison(5);
        Assert.Equal(ExitCode.Finished, _training.Run(_journal).ExitCode);

        NumericFailureHandled[] skipped = [.. _journal.Of<NumericFailureHandled>()];
        Assert.Equal(3, skipped.Length);
        Assert.All(skipped, failure => Assert.Equal("skip", failure.Action));
        Assert.All(skipped, failure => Assert.Contains("square 5", failure.Samples));
        Assert.All(_journal.Of<EpochFinished>(), epoch => Assert.True(double.IsFinite(epoch.TrainLoss)));
        Assert.Equal(12, _journal.Of<StepFinished>()[^1].GlobalStep + 1);
        using var weights = RobustTrain.Training.Checkpoints.SafeTensors.SafeTensorsReader.Open(Path.Combine(_training.Checkpoints.List()[0].Path, "weights.safetensors"));
        foreach (string name in weights.Entries.Keys.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
            Assert.All(SmallTraining.Floats(weights, name), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void More_failures_than_are_allowed_end_the_run()
    {
        Configure(new NumericsConfig { OnFailure = "skip", MaxFailures = 2 });
        Poison(5);
        RunException failed = Assert.Throws<RunException>(() => _training.Run(_journal));
        Assert.Equal(ExitCode.Numeric, failed.ExitCode);
        Assert.Contains("the failure number 3 of this run, which may have 2", failed.Message);
        Assert.Equal(2, _journal.Of<NumericFailureHandled>().Count);
    }

    [Fact]
    public void A_rollback_goes_back_to_the_last_epoch_with_a_lower_learning_rate()
    {
        Configure(new NumericsConfig { OnFailure = "rollback", RollbackFactor = 0.25 });
        PoisonOnce(epoch: 1);
        Assert.Equal(ExitCode.Finished, _training.Run(_journal).ExitCode);

        NumericFailureHandled failure = Assert.Single(_journal.Of<NumericFailureHandled>());
        Assert.Equal(("rollback", 1, 0.25), (failure.Action, failure.Failures, failure.LearningRateFactor));
        Assert.Equal([0, 1, 1, 2], _journal.Of<EpochStarted>().Select(epoch => epoch.Epoch));
        Assert.Equal(_journal.Of<EpochStarted>()[1].LearningRate * 0.25, _journal.Of<EpochStarted>()[2].LearningRate, 12);
        Assert.Equal([0, 1, 2], _journal.Of<EpochFinished>().Select(epoch => epoch.Epoch));
    }

    [Fact]
    public void A_rollback_from_the_first_step_of_an_epoch_goes_back_an_epoch_further_since_the_same_weights_would_fail_again()
    {
        Configure(new NumericsConfig { OnFailure = "rollback" });
        PoisonOnce(epoch: 2, load: 2);
        Assert.Equal(ExitCode.Finished, _training.Run(_journal).ExitCode);
        Assert.Equal(8, Assert.Single(_journal.Of<NumericFailureHandled>()).GlobalStep);
        Assert.Equal([0, 1, 2, 1, 2], _journal.Of<EpochStarted>().Select(epoch => epoch.Epoch));
    }

    [Fact]
    public void A_rollback_from_the_very_first_step_has_nothing_to_go_back_to_and_fails_at_once()
    {
        Configure(new NumericsConfig { OnFailure = "rollback" });
        PoisonOnce(epoch: 0, load: 2);
        RunException failed = Assert.Throws<RunException>(() => _training.Run(_journal));
        Assert.Equal((ExitCode.Numeric, "NoCheckpointToRollBackTo"), (failed.ExitCode, failed.ErrorId));
        Assert.StartsWith("The loss is NaN at step 0 (epoch 0, batch 0); the first images hold values that are not finite; the step's samples are square ", failed.Message, StringComparison.Ordinal);
        Assert.EndsWith(". There is no checkpoint of an epoch before it to go back to.", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_anomaly_detection_the_policy_holds_and_the_operation_is_named()
    {
        _training.Config = _training.Config with
        {
            Trainer = _training.Config.Trainer with { DetectAnomaly = true, Epochs = 1 },
            Loader = _training.Config.Loader with { BatchSize = 5 },
        };
        Configure(new NumericsConfig { OnFailure = "skip" });
        Poison(5);
        Assert.Equal(ExitCode.Finished, _training.Run(_journal).ExitCode);
        NumericFailureHandled skipped = Assert.Single(_journal.Of<NumericFailureHandled>());
        Assert.Matches("The gradient is NaN at step [0-9]+ .*; the first images hold values that are not finite; the operation whose backward pass gave it is '[A-Za-z0-9]+Backward0'[.]$", skipped.Problem);
        Assert.Contains("square 5", skipped.Samples);
        Assert.True(double.IsFinite(Assert.Single(_journal.Of<EpochFinished>()).TrainLoss));
    }

    [Fact]
    public void A_rollback_in_the_first_epoch_goes_back_to_the_beginning()
    {
        Configure(new NumericsConfig { OnFailure = "rollback" });
        PoisonOnce(epoch: 0);
        Assert.Equal(ExitCode.Finished, _training.Run(_journal).ExitCode);
        Assert.Equal([0, 0, 1, 2], _journal.Of<EpochStarted>().Select(epoch => epoch.Epoch));
    }

    [Fact]
    public void Rollbacks_that_do_not_help_end_the_run()
    {
        Configure(new NumericsConfig { OnFailure = "rollback", MaxFailures = 3 });
        Poison(5);
        Assert.Equal(ExitCode.Numeric, Assert.Throws<RunException>(() => _training.Run(_journal)).ExitCode);
        Assert.Equal([1, 2, 3], _journal.Of<NumericFailureHandled>().Select(failure => failure.Failures));
    }

    [Fact]
    public void Skipped_and_stopped_everywhere_it_ends_with_the_same_bits()
    {
        using var stopped = new SmallTraining();
        Configure(new NumericsConfig { OnFailure = "skip" });
        stopped.Config = _training.Config;
        Poison(5);
        stopped.Data = _training.Data;
        _training.Run();
        while (stopped.RunSteps(1).ExitCode == ExitCode.Stopped)
        {
        }

        Assert.Equal(_training.FinalState(), stopped.FinalState());
    }

    [Fact]
    public void A_loss_far_above_the_median_of_the_last_is_a_spike()
    {
        var guard = new NumericGuard(new NumericsConfig { SpikeFactor = 5 }, _journal);
        for (int i = 0; i < 9; i++)
            guard.Accept(1);
        Assert.Null(guard.FindProblem(100));

        guard.Accept(1);
        Assert.Equal("The loss 100 is a spike, more than 5 times the median 1 of the last 10", guard.FindProblem(100));
        Assert.Null(guard.FindProblem(4.9f));

        for (int i = 0; i < 50; i++)
            guard.Accept(30);
        Assert.Null(guard.FindProblem(100));
    }

    [Fact]
    public void Without_a_factor_there_are_no_spikes()
    {
        var guard = new NumericGuard(new NumericsConfig(), _journal);
        for (int i = 0; i < 20; i++)
            guard.Accept(1e-6f);
        Assert.Null(guard.FindProblem(1e6f));
        Assert.Equal("The loss is infinite", guard.FindProblem(float.NegativeInfinity));
    }

    public void Dispose() => _training.Dispose();

    private void Configure(NumericsConfig numerics) => _training.Config = _training.Config with { Numerics = numerics };

    private void Poison(int sample) => _training.Data = _training.Data with { Training = new SquaresDataset(14) { Poisoned = sample } };

    // The first time that so many samples of the epoch have been loaded; later each is as it should be.
    private void PoisonOnce(int epoch, int load = 10)
    {
        int loaded = 0;
        SquaresDataset poisonable = null!;
        poisonable = new SquaresDataset(14)
        {
            OnLoad = key => poisonable.Poisoned = key.Epoch == epoch && Interlocked.Increment(ref loaded) == load ? key.Index : null,
        };
        _training.Config = _training.Config with { Loader = _training.Config.Loader with { NumWorkers = 0 } };
        _training.Data = _training.Data with { Training = poisonable };
    }
}
