using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Tests.Training;

[Collection(TorchCollection.Name)]
public sealed class StuckStepTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _stuck = new();
    private readonly ManualResetEventSlim _release = new();
    private volatile bool _mayBlock;

    [Fact]
    public async Task A_step_that_blocks_for_ever_is_reported_and_the_last_checkpoint_can_be_gone_on_from()
    {
        _untouched.Run();
        using TrainingControl control = new();
        using ManualResetEventSlim blocked = new();
        TaskCompletionSource<string> reported = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource saved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long lastStep = -1;
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is EpochFinished)
                _mayBlock = true;
            if (runEvent is CheckpointSaved)
                saved.TrySetResult();
            if (runEvent is StepFinished step)
                Volatile.Write(ref lastStep, step.GlobalStep);
        });
        control.Stuck += message =>
        {
            // On a busy machine a step before it may have been reported too.
            if (blocked.IsSet)
                reported.TrySetResult(message);
        };
        DataSplits data = _stuck.Data;
        _stuck.Data = new DataSplits(new SquaresDataset(14) { OnName = _ => Block(blocked) }, data.Validation, data.Test);
        _stuck.Config = _stuck.Config with { Trainer = _stuck.Config.Trainer with { StepTimeoutSeconds = 1, Epochs = 3 } };
        Task<TrainingOutcome> training = Task.Factory.StartNew(() => _stuck.Run(journal, control), TaskCreationOptions.LongRunning);

        string message = await reported.Task.WaitAsync(s_patience);
        Assert.StartsWith(FormattableString.Invariant($"Step {Volatile.Read(ref lastStep) + 1} (epoch "), message, StringComparison.Ordinal);
        Assert.EndsWith("has not ended within 1 s (trainer.step_timeout_seconds).", message, StringComparison.Ordinal);
        Assert.Contains(message, journal.Of<RunWarning>().Select(warning => warning.Message));
        await saved.Task.WaitAsync(s_patience);
        Assert.False(training.IsCompleted);

        _release.Set();
        await Assert.ThrowsAsync<TimeoutException>(() => training);
        Assert.NotNull(_stuck.Checkpoints.OpenLatest(warning => Assert.Fail(warning)));
        _stuck.Data = data;
        Assert.Equal(ExitCode.Finished, _stuck.Run().ExitCode);
        Assert.Equal(_untouched.FinalState(), _stuck.FinalState());
    }

    public void Dispose()
    {
        _release.Set();
        _untouched.Dispose();
        _stuck.Dispose();
        _release.Dispose();
    }

    // In the real program the process ends while this blocks.
    private void Block(ManualResetEventSlim blocked)
    {
        if (!_mayBlock)
            return;
        blocked.Set();
        _release.Wait();
        throw new TimeoutException("released");
    }
}
