using System.Security.Cryptography;
using RobustTrain.Runs.Configuration;
using RobustTrain.Tests.Runs;
using RobustTrain.Tests.Scripts;
using RobustTrain.Training;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;

namespace RobustTrain.Tests.Training;

/// <summary>What a checkpoint's files become once nobody needs them.</summary>
public sealed class RetiredCheckpointTests : IDisposable
{
    private const int Large = 5 << 20;

    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public RetiredCheckpointTests() => _store = new CheckpointStore(_folder.At("checkpoints"));

    [Fact]
    public void The_next_one_is_written_over_the_files_of_the_one_that_went_last()
    {
        if (!OperatingSystem.IsLinux())
            return;
        string first = WeightsOf(Save(epoch: 0, new byte[Large]));
        string number = NumberOf(first);
        Save(epoch: 1, [1]);
        Save(epoch: 2, [2]);
        _store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.False(File.Exists(first));

        // It is shorter than what was there.
        byte[] content = RandomNumberGenerator.GetBytes(Large - 5000);
        string last = WeightsOf(Save(epoch: 3, content));
        Assert.Equal(number, NumberOf(last));
        using SafeTensorsReader weights = _store.OpenLatest(warning => Assert.Fail(warning))!.OpenTensors(Checkpoint.WeightsFile);
        Assert.Equal(content, weights.Read("weight"));
        Assert.Equal(["epoch-0001", "epoch-0002", "epoch-0003"], Folders());
    }

    [Fact]
    public void Whoever_reads_one_that_went_reads_it_whole()
    {
        byte[] content = RandomNumberGenerator.GetBytes(Large);
        using var reader = new FileStream(WeightsOf(Save(epoch: 0, content)), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        Save(epoch: 1, [1]);
        Save(epoch: 2, [2]);
        _store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Save(epoch: 3, new byte[Large]);

        byte[] read = new byte[reader.Length];
        reader.ReadExactly(read);
        Assert.Equal(content, read[^content.Length..]);
    }

    [Fact]
    public void The_last_that_went_goes_with_the_training_or_with_the_next_start()
    {
        foreach (Action end in new Action[] { _store.DeleteRetired, new CheckpointStore(_store.Path).DeleteLeftovers })
        {
            for (int epoch = 0; epoch < 3; epoch++)
                Save(epoch, new byte[epoch == 0 ? Large : 1]);
            _store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
            Assert.Equal([".replaced-epoch-0000", "epoch-0001", "epoch-0002"], Folders());
            end();
            Assert.Equal(["epoch-0001", "epoch-0002"], Folders());
        }
    }

    [Fact]
    public void A_small_one_is_deleted()
    {
        for (int epoch = 0; epoch < 3; epoch++)
            Save(epoch, [1]);
        _store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.Equal(["epoch-0001", "epoch-0002"], Folders());
    }

    public void Dispose() => _folder.Dispose();

    private static string WeightsOf(Checkpoint checkpoint) => Path.Combine(checkpoint.Path, Checkpoint.WeightsFile);

    // By which the file system knows a file, whatever its name.
    private static string NumberOf(string file) => Shell.Run("stat", "--format=%i", file).Output;

    private IEnumerable<string> Folders() => Directory.EnumerateDirectories(_store.Path).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal);

    private Checkpoint Save(int epoch, byte[] weight)
    {
        var draft = new CheckpointDraft();
        draft.Add(Checkpoint.WeightsFile, "weight", ElementFormat.U8, [weight.Length], weight);
        return _store.Write(
            draft, new CheckpointLabel(new TrainingCursor(epoch + 1, 0, epoch), epoch, null, false), new ModelIdentity("fc-siam-diff", 3, 2, 16), "the run", DateTimeOffset.UnixEpoch);
    }
}
