using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Host;

/// <summary>The disk refuses at each file operation of a checkpoint in turn, while one training goes on.</summary>
public sealed class CheckpointMomentsTests : IDisposable
{
    private const int Terminate = 15;

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _untouched = new();
    private readonly RefusingDisk _disk = new();

    public CheckpointMomentsTests()
    {
        TinyPairs.Write(_folder.At("data"));
        TinyPairs.Write(_untouched.At("data"));
    }

    private CheckpointStore Checkpoints => new(RunFolder.CheckpointsPathOf(_folder.At("run")));

    [LinuxTheory("Its disk refuses by a library that is preloaded.")]
    [InlineData("full", "no space left", "mkdir open write fsync rename")]
    [InlineData("read-only", "read-only", "mkdir open write fsync rename unlink rmdir")]
    public async Task A_disk_that_refuses_at_any_moment_of_a_checkpoint_costs_no_good_one_and_no_bit(string how, string reason, string operations)
    {
        int lastEpoch;
        using (LiveTraining training = Start(_folder.Path, _disk.Variables))
        {
            int count = await CountOperations(training, how, operations);
            for (int operation = 1; operation <= count; operation++)
                await RefuseAndGoOn(training, how, operation, reason);

            training.Signal(Terminate);
            HostRun end = await training.End();
            Assert.Equal((75, ""), (end.ExitCode, end.Error));
            int[] epochs = [.. training.Events.OfType<EpochFinished>().Select(epoch => epoch.Epoch)];
            Assert.Equal(Enumerable.Range(0, epochs.Length), epochs);
            lastEpoch = epochs[^1];
        }

        Assert.Empty(Directory.EnumerateDirectories(Checkpoints.Path, ".*"));
        Assert.Empty(Directory.EnumerateFiles(_folder.At("run"), "*.tmp", SearchOption.AllDirectories));
        AssertLatestIsGood();
        await AssertSameLosses(lastEpoch);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _untouched.Dispose();
        _disk.Dispose();
    }

    private static LiveTraining Start(string folder, IReadOnlyDictionary<string, string?> variables) => new(HostRun.Start(
        folder, variables,
        "train", "--run-path", "run", "--events",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=100000", "--set", "trainer.validate_every=100000",
        "--set", "threads=1"));

    // The third checkpoint is the first after which an old one is deleted: from then on each takes the same operations.
    private async Task<int> CountOperations(LiveTraining training, string how, string operations)
    {
        for (int saved = 0; saved < 3; saved++)
            await training.Next<CheckpointSaved>();
        _disk.Watch(how);
        // What comes may be from before; what the disk has noted is not.
        while (_disk.Operations.Count(operation => operation.Number == 1) < 3)
            await training.Next<CheckpointSaved>();
        _disk.Allow();

        Assert.Equal(operations.Split(' ').Order(), _disk.Operations.Select(operation => operation.Name).Distinct().Order());
        Assert.Contains(_disk.Operations, operation => operation.Name == "fsync" && operation.Path == Checkpoints.Path);
        return _disk.Operations.Max(operation => operation.Number);
    }

    private async Task RefuseAndGoOn(LiveTraining training, string how, int operation, string reason)
    {
        _disk.Refuse(how, operation);
        int before = training.Events.Count;
        RunWarning warning = await NextRefusal(training, how, operation, before);
        // Of a folder that a read-only disk doesn't let go, .NET says no more than that access is denied.
        Assert.Contains(warning.Message.StartsWith("Old checkpoints", StringComparison.Ordinal) ? "could not be deleted: " : reason, warning.Message, StringComparison.Ordinal);

        // Nothing changes in the folder as long as the disk refuses.
        CheckpointSaved good = training.Events.OfType<CheckpointSaved>().Last();
        Assert.Equal(good.GlobalStep, CheckpointArchive.Open(CheckpointStore.Open(good.Path)).Checkpoint.Manifest.Cursor.GlobalStep);
        Assert.True(AssertLatestIsGood() >= good.GlobalStep);
        if (how == "full")
            Assert.Empty(Directory.EnumerateDirectories(Checkpoints.Path, ".writing-*"));

        await training.Next<EpochFinished>();
        _disk.Allow();
        Assert.True((await training.Next<CheckpointSaved>()).GlobalStep > good.GlobalStep);
    }

    private static async Task<RunWarning> NextRefusal(LiveTraining training, string how, int operation, int before)
    {
        while (true)
        {
            RunEvent next = await training.Next<RunEvent>();
            if (next is RunWarning warning && warning.Message.Contains("could not be", StringComparison.Ordinal))
                return warning;
            int saved = training.Events.Skip(before).OfType<CheckpointSaved>().Count();
            Assert.False(saved > 1000, $"{saved} checkpoints were written without operation {operation} of a {how} disk.");
        }
    }

    private long AssertLatestIsGood()
    {
        List<string> warnings = [];
        CheckpointArchive latest = Checkpoints.OpenLatest(warnings.Add)!;
        Assert.Empty(warnings);
        return latest.Checkpoint.Manifest.Cursor.GlobalStep;
    }

    private async Task AssertSameLosses(int lastEpoch)
    {
        using LiveTraining training = Start(_untouched.Path, new Dictionary<string, string?>());
        while ((await training.Next<EpochFinished>()).Epoch < lastEpoch)
        {
        }

        training.Signal(Terminate);
        Assert.Equal(75, (await training.End()).ExitCode);
        for (int epoch = 0; epoch <= lastEpoch; epoch++)
            Assert.Equal(LossesOf(_untouched, epoch), LossesOf(_folder, epoch));
    }

    private static string LossesOf(TemporaryFolder folder, int epoch) =>
        File.ReadAllText(Path.Combine(RunFolder.EpochFolderOf(folder.At("run"), epoch), "losses.csv"));
}
