using System.Security.Cryptography;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Training;

/// <summary>What a checkpoint's files become once nobody needs them.</summary>
public sealed class RetiredCheckpointTests : IDisposable
{
    private const int Large = 5 << 20;

    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public RetiredCheckpointTests() => _store = new CheckpointStore(_folder.At("checkpoints"));

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
    public void One_that_no_policy_keeps_is_deleted()
    {
        for (int epoch = 0; epoch < 3; epoch++)
            Save(epoch, [1]);
        _store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.Equal(["epoch-0001", "epoch-0002"], Folders());
    }

    public void Dispose() => _folder.Dispose();

    private static string WeightsOf(Checkpoint checkpoint) => Path.Combine(checkpoint.Path, Checkpoint.WeightsFile);

    private IEnumerable<string> Folders() => Directory.EnumerateDirectories(_store.Path).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal);

    private Checkpoint Save(int epoch, byte[] weight)
    {
        var draft = new CheckpointDraft();
        draft.Add(Checkpoint.WeightsFile, "weight", ElementFormat.U8, [weight.Length], weight);
        return _store.Write(
            draft, new CheckpointLabel(new TrainingCursor(epoch + 1, 0, epoch), epoch, null, false), new ModelIdentity("fc-siam-diff", 3, 2, 16), "the run", DateTimeOffset.UnixEpoch);
    }
}
