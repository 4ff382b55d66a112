using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Training;

/// <summary>A file where a folder has to be made refuses as a full disk does, for root too.</summary>
[Collection(TorchCollection.Name)]
public sealed class RefusingDiskTests : IDisposable
{
    private readonly SmallTraining _untouched = new();
    private readonly SmallTraining _refused = new();

    [Theory]
    [InlineData("checkpoints/.writing-epoch-0001")]
    [InlineData("epochs/0001")]
    public void A_disk_that_refuses_for_a_while_costs_nothing(string obstacle)
    {
        _untouched.Run();
        string path = Path.Combine(_refused.RunPath, obstacle);
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is EpochFinished { Epoch: 0 })
                File.WriteAllText(path, "");
            if (runEvent is RunWarning)
                File.Delete(path);
        });

        Assert.Equal(ExitCode.Finished, _refused.Run(journal).ExitCode);
        Assert.Contains("could not be written", Assert.Single(journal.Of<RunWarning>()).Message);
        Assert.Equal(_untouched.FinalState(), _refused.FinalState());
        Assert.Equal(2, journal.Of<CheckpointSaved>()[^1].Epoch);
    }

    [Fact]
    public void A_disk_that_refuses_to_the_end_ends_the_run_and_leaves_the_last_good_checkpoint()
    {
        _untouched.Run();
        string path = Path.Combine(_refused.CheckpointsPath, ".writing-epoch-0002");
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is EpochFinished { Epoch: 1 })
                File.WriteAllText(path, "");
        });
        CheckpointException failed = Assert.Throws<CheckpointException>(() => _refused.Run(journal));
        Assert.Contains("the checkpoints before it are as they were", failed.Message);
        Assert.Equal((ExitCode.Unexpected, CheckpointException.NotWritten), (failed.ExitCode, failed.ErrorId));
        Assert.Equal(1, _refused.Checkpoints.List()[0].Manifest.CompletedEpoch);

        File.Delete(path);
        Assert.Equal(ExitCode.Finished, _refused.Run().ExitCode);
        Assert.Equal(_untouched.FinalState(), _refused.FinalState());
    }

    [Fact]
    public void A_disk_that_refuses_from_the_start_is_told_once_an_epoch_and_claims_no_checkpoint()
    {
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is not RunStarted)
                return;
            Directory.Delete(_refused.CheckpointsPath);
            File.WriteAllText(_refused.CheckpointsPath, "");
        });

        _refused.Config = _refused.Config with { Checkpoint = _refused.Config.Checkpoint with { EverySteps = 1 } };
        CheckpointException failed = Assert.Throws<CheckpointException>(() => _refused.Run(journal));

        Assert.Contains("the run has none before it", failed.Message);
        string[] warnings = [.. journal.Of<RunWarning>().Select(warning => warning.Message)];
        Assert.InRange(warnings.Length, 1, 3);
        Assert.DoesNotContain(warnings, warning => warning.Contains("as they were", StringComparison.Ordinal));
    }

    [LinuxFact("Windows does not let a folder be deleted in which a file is open.")]
    public void A_run_folder_that_is_deleted_ends_the_training_and_is_not_made_again()
    {
        var saved = new ManualResetEventSlim();
        var journal = new MemoryJournal(runEvent =>
        {
            if (runEvent is CheckpointSaved)
                saved.Set();
            if (runEvent is not EpochStarted { Epoch: 1 })
                return;
            saved.Wait();
            Directory.Delete(_refused.RunPath, recursive: true);
        });

        RunException gone = Assert.Throws<RunException>(() => _refused.Run(journal));

        Assert.Equal((ExitCode.Unexpected, "RunFolderGone"), (gone.ExitCode, gone.ErrorId));
        Assert.False(Directory.Exists(_refused.RunPath));
    }

    public void Dispose()
    {
        _untouched.Dispose();
        _refused.Dispose();
    }
}
