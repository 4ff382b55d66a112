using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Training;

public sealed class CheckpointStoreTests : IDisposable
{
    private static readonly ModelIdentity Model = new("fc-siam-diff", 3, 2, 16);

    // Where two names can't be exchanged, the first epoch's checkpoint takes turns with another name.
    private static readonly string[] s_first = OperatingSystem.IsLinux() ? ["epoch-0000"] : ["epoch-0000", "epoch-0000-b"];

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    private CheckpointStore Store => new(_folder.At("checkpoints"));

    [Fact]
    public void What_is_saved_is_opened_again()
    {
        Checkpoint saved = Save(epoch: 2, isBest: true);

        CheckpointArchive archive = Store.OpenLatest(_warnings.Add)!;
        Assert.Equal(saved.Path, archive.Checkpoint.Path);
        Assert.Equal(new TrainingCursor(3, 0, 30), archive.Checkpoint.Manifest.Cursor);
        Assert.Equal(0.25, archive.Checkpoint.Manifest.Scores!["f1"]);
        Assert.Equal("a value", archive.Get<string>("key"));
        using SafeTensorsReader weights = archive.OpenTensors(Checkpoint.WeightsFile);
        Assert.Equal([1, 2, 3, 2], weights.Read("weight"));
        Assert.Empty(_warnings);
    }

    [Fact]
    public void A_run_without_checkpoints_has_no_latest()
    {
        Assert.Null(Store.OpenLatest(_warnings.Add));
        Assert.Null(Store.OpenBest(_warnings.Add));
    }

    [Fact]
    public void The_latest_is_found_by_manifests_and_not_by_names()
    {
        Save(epoch: 3);
        string latest = Save(epoch: 9).Path;
        string renamed = _folder.At("checkpoints", "a-name-of-my-own");
        Directory.Move(latest, renamed);

        Assert.Equal(renamed, Store.OpenLatest(_warnings.Add)!.Checkpoint.Path);
    }

    [Fact]
    public void After_a_rollback_the_latest_is_the_one_that_was_written_last()
    {
        SaveWithin(epoch: 2, batch: 7);
        string latest = SaveWithin(epoch: 2, batch: 3).Path;

        Assert.Equal(latest, Store.OpenLatest(_warnings.Add)!.Checkpoint.Path);
    }

    [Fact]
    public void The_best_is_the_newest_that_was_the_best_when_it_was_written()
    {
        Save(epoch: 0, isBest: true);
        string best = Save(epoch: 1, isBest: true).Path;
        Save(epoch: 2);

        Assert.Equal(best, Store.OpenBest(_warnings.Add)!.Checkpoint.Path);
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "cut short", "bytes instead of" },
        { "one bit turned", "SHA-256" },
        { "a file missing", "it is missing" },
        { "the manifest cut short", "manifest" },
        { "the manifest empty", "manifest" },
        { "the manifest missing", "has no manifest.json" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_checkpoint_is_reported_and_the_one_before_it_taken(string damage, string problem)
    {
        string good = Save(epoch: 0).Path;
        Damage(Save(epoch: 1).Path, damage);

        Assert.Equal(good, Store.OpenLatest(_warnings.Add)!.Checkpoint.Path);
        Assert.Contains(problem, Assert.Single(_warnings));
    }

    [Fact]
    public void Where_all_are_damaged_it_says_so()
    {
        Damage(Save(epoch: 0).Path, "cut short");
        Damage(Save(epoch: 1).Path, "one bit turned");

        CheckpointException refused = Assert.Throws<CheckpointException>(() => Store.OpenLatest(_warnings.Add));
        Assert.Equal(CheckpointException.Damaged, refused.ErrorId);
        Assert.StartsWith("All 2 candidates for the latest checkpoint are damaged", refused.Message);
        Assert.EndsWith($"without the folder {Store.Path} the training begins again.", refused.Message);
        Assert.Contains("The checkpoint before it is taken instead.", Assert.Single(_warnings));
    }

    [Theory]
    [InlineData("the manifest empty")]
    [InlineData("the manifest missing")]
    public void Where_no_manifest_can_be_read_the_training_does_not_begin_again_unasked(string damage)
    {
        Damage(Save(epoch: 0).Path, damage);
        Damage(Save(epoch: 1).Path, damage);

        CheckpointException refused = Assert.Throws<CheckpointException>(() => Store.OpenLatest(_warnings.Add));
        Assert.Equal(CheckpointException.Damaged, refused.ErrorId);
        Assert.StartsWith($"No checkpoint in {Store.Path} can be read, 2 are damaged", refused.Message);
    }

    [Fact]
    public void A_checkpoint_of_a_newer_version_is_refused()
    {
        string manifest = Path.Combine(Save(epoch: 0).Path, Checkpoint.ManifestFile);
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"format\": 1", "\"format\": 3"));

        CheckpointException refused = Assert.Throws<CheckpointException>(() => Store.OpenLatest(_warnings.Add));
        Assert.Equal(CheckpointException.NewerFormat, refused.ErrorId);
        Assert.Contains("format 3", refused.Message);
    }

    [Theory]
    [InlineData("nothing", true)]
    [InlineData("one bit turned", false)]
    public void A_checkpoint_of_format_2_is_verified_and_opened(string damage, bool isWhole)
    {
        string checkpoint = Save(epoch: 0).Path;
        string manifest = Path.Combine(checkpoint, Checkpoint.ManifestFile);
        JsonNode json = JsonNode.Parse(File.ReadAllText(manifest))!;
        json["format"] = 2;
        foreach ((string name, JsonNode? file) in json["files"]!.AsObject())
        {
            file!.AsObject().Remove("sha256");
            file["pieces_sha256"] = DigestOfPieces(File.ReadAllBytes(Path.Combine(checkpoint, name)));
        }

        File.WriteAllText(manifest, json.ToJsonString());
        Damage(checkpoint, damage);
        if (isWhole)
            Assert.Equal("a value", Store.OpenLatest(_warnings.Add)!.Get<string>("key"));
        else
            Assert.Throws<CheckpointException>(() => Store.OpenLatest(_warnings.Add));
    }

    [Fact]
    public void A_write_that_was_interrupted_is_no_checkpoint_and_is_cleaned_up()
    {
        string good = Save(epoch: 0).Path;
        string half = Save(epoch: 1).Path;
        string hidden = _folder.At("checkpoints", ".writing-epoch-0001");
        Directory.Move(half, hidden);

        Assert.Equal(good, Store.OpenLatest(_warnings.Add)!.Checkpoint.Path);
        Store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.False(Directory.Exists(hidden));
        Assert.True(Directory.Exists(good));
        Assert.Empty(_warnings);
    }

    [Fact]
    public void A_checkpoint_replaces_one_of_its_own_name()
    {
        Damage(Save(epoch: 0).Path, "one bit turned");
        Save(epoch: 0);

        Assert.NotNull(Store.OpenLatest(_warnings.Add));
        Assert.Single(Folders(), s_first.Contains);
    }

    [Fact]
    public void While_one_is_replaced_there_is_always_one_of_its_name()
    {
        Save(epoch: 0);
        string[] targets = [.. s_first.Select(name => _folder.At("checkpoints", name, Checkpoint.ManifestFile))];
        using var done = new CancellationTokenSource();
        int missing = 0;
        var reader = new Thread(() =>
        {
            while (!done.IsCancellationRequested)
            {
                // Of two names the first may come when it has been looked for, and the second go before it is.
                bool isThere = false;
                for (int look = 0; look < 2 * targets.Length - 1 && !isThere; look++)
                    isThere = targets.Any(File.Exists);
                missing += isThere ? 0 : 1;
            }
        });
        reader.Start();
        for (int time = 0; time < 50; time++)
            Save(epoch: 0);
        done.Cancel();
        reader.Join();

        Assert.Equal(0, missing);
        Assert.Single(Folders(), s_first.Contains);
    }

    [Fact]
    public void A_disk_that_refuses_is_named_and_leaves_the_others_as_they_were()
    {
        string good = Save(epoch: 0).Path;
        // A file where the temporary folder should stand refuses like a disk does, for root too.
        File.WriteAllText(_folder.At("checkpoints", ".writing-epoch-0001"), "");

        CheckpointException refused = Assert.Throws<CheckpointException>(() => Save(epoch: 1));
        Assert.Equal(CheckpointException.NotWritten, refused.ErrorId);
        Assert.Contains("epoch-0001 could not be written", refused.Message);
        Assert.Equal(good, Store.OpenLatest(_warnings.Add)!.Checkpoint.Path);
    }

    [Theory]
    [InlineData("latest", 10, new[] { "epoch-0002", "epoch-0005", "epoch-0008", "epoch-0009" })]
    [InlineData("every", 4, new[] { "epoch-0002", "epoch-0003", "epoch-0005", "epoch-0007", "epoch-0008", "epoch-0009" })]
    [InlineData("all", 10, new[] { "epoch-0000", "epoch-0001", "epoch-0002", "epoch-0003", "epoch-0004", "epoch-0005", "epoch-0006", "epoch-0007", "epoch-0008", "epoch-0009" })]
    public void Clean_up_keeps_the_two_newest_the_two_best_and_what_is_asked_for(string keep, int every, string[] kept)
    {
        var policy = new RetentionPolicy(new CheckpointConfig { Keep = keep, KeepEvery = every });
        for (int epoch = 0; epoch < 10; epoch++)
        {
            Save(epoch, isBest: epoch is 0 or 2 or 5);
            Store.CleanUp(policy);
        }

        Assert.Equal(kept, Folders());
    }

    [Fact]
    public void A_checkpoint_within_an_epoch_goes_when_two_newer_ones_are_there()
    {
        var policy = new RetentionPolicy(new CheckpointConfig { Keep = "all" });
        SaveWithin(epoch: 0, batch: 3);
        Save(epoch: 0);
        Store.CleanUp(policy);
        Assert.Equal(["epoch-0000", "step-000000003"], Folders());

        Save(epoch: 1);
        Store.CleanUp(policy);
        Assert.Equal(["epoch-0000", "epoch-0001"], Folders());
    }

    [Fact]
    public void However_many_stand_within_an_epoch_the_two_newest_between_epochs_stay()
    {
        var policy = new RetentionPolicy(new CheckpointConfig());
        for (int epoch = 0; epoch < 3; epoch++)
        {
            Save(epoch);
            for (int batch = 1; batch < 4; batch++)
                SaveWithin(epoch + 1, batch);
            Store.CleanUp(policy);
        }

        Assert.Equal(["epoch-0001", "epoch-0002", "step-000000032", "step-000000033"], Folders());
    }

    [Theory]
    [InlineData("cut short")]
    [InlineData("the manifest cut short")]
    public void A_damaged_one_counts_for_nothing_and_goes_once_a_newer_one_is_on_disk(string damage)
    {
        SaveWithin(epoch: 0, batch: 1);
        SaveWithin(epoch: 0, batch: 2);
        Damage(SaveWithin(epoch: 0, batch: 3).Path, damage);
        CheckpointStore store = Store;
        Assert.EndsWith("step-000000002", store.OpenLatest(_warnings.Add)!.Checkpoint.Path, StringComparison.Ordinal);

        store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.Equal(["step-000000001", "step-000000002"], Folders());
        SaveWithin(epoch: 0, batch: 4);
        store.CleanUp(new RetentionPolicy(new CheckpointConfig()));
        Assert.Equal(["step-000000002", "step-000000004"], Folders());
    }

    public void Dispose() => _folder.Dispose();

    private static void Damage(string checkpoint, string damage)
    {
        string weights = Path.Combine(checkpoint, Checkpoint.WeightsFile);
        string manifest = Path.Combine(checkpoint, Checkpoint.ManifestFile);
        switch (damage)
        {
            case "cut short":
                using (FileStream stream = File.OpenWrite(weights))
                    stream.SetLength(stream.Length - 1);
                break;
            case "one bit turned":
                byte[] bytes = File.ReadAllBytes(weights);
                bytes[^1] ^= 1;
                File.WriteAllBytes(weights, bytes);
                break;
            case "nothing":
                break;
            case "a file missing":
                File.Delete(weights);
                break;
            case "the manifest cut short":
                File.WriteAllText(manifest, File.ReadAllText(manifest)[..50]);
                break;
            case "the manifest empty":
                File.WriteAllText(manifest, "");
                break;
            case "the manifest missing":
                File.Delete(manifest);
                break;
            default:
                throw new ArgumentException(damage);
        }
    }

    // split -b 128K --filter=sha256sum FILE | sha256sum
    private static string DigestOfPieces(byte[] content)
    {
        string list = string.Concat(content.Chunk(128 * 1024).Select(piece => $"{Convert.ToHexStringLower(SHA256.HashData(piece))}  -\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list)));
    }

    private IEnumerable<string> Folders() => Directory.EnumerateFileSystemEntries(Store.Path).Select(folder => Path.GetFileName(folder)!).Order();

    private Checkpoint Save(int epoch, bool isBest = false) =>
        Write(new CheckpointLabel(new TrainingCursor(epoch + 1, 0, 10 * (epoch + 1)), epoch, new Dictionary<string, double> { ["f1"] = 0.25 }, isBest), (byte)epoch);

    private Checkpoint SaveWithin(int epoch, int batch) =>
        Write(new CheckpointLabel(new TrainingCursor(epoch, batch, (10 * epoch) + batch), null, null, false), (byte)batch);

    private Checkpoint Write(CheckpointLabel label, byte content)
    {
        var draft = new CheckpointDraft();
        draft.Add(Checkpoint.WeightsFile, "weight", ElementFormat.U8, [2, 2], [1, 2, 3, content]);
        draft.AddFile(Checkpoint.OptimizerFile);
        draft.Set("key", "a value");
        return Store.Write(draft, label, Model, "the run", DateTimeOffset.UnixEpoch);
    }
}
