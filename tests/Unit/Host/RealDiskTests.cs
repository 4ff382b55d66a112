using System.Globalization;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Host;

/// <summary>A real disk that gets full, or read-only, under one training, at every moment of a checkpoint.</summary>
public sealed class RealDiskTests : IDisposable
{
    private const int Terminate = 15;
    private const int Moments = 8;

    // Its folder, weights, optimiser, state and manifest.
    private const int FilesOfCheckpoint = 5;
    private const string NoSpace = "no space left";

    private readonly TemporaryFolder _folder = new();

    public RealDiskTests()
    {
        TinyPairs.Write(_folder.At("data"));
        Directory.CreateDirectory(_folder.At("disk"));
    }

    [FullDiskFact]
    public async Task A_disk_that_gets_full_or_read_only_costs_no_good_checkpoint_and_no_bit()
    {
        using SmallDisk disk = new(_folder.At("disk"));
        string run = Path.Combine(disk.Path, "run");
        using (LiveTraining training = Start(disk))
        {
            for (int saved = 0; saved < 3; saved++)
                await training.Next<CheckpointSaved>();
            int pages = (int)(training.Events.OfType<CheckpointSaved>().Last().Bytes / 4096);
            for (int moment = 0; moment < Moments; moment++)
                await Refuse(training, run, NoSpace, () => disk.LeavePages(pages * moment / Moments), disk.Free);
            for (int files = 0; files < FilesOfCheckpoint; files++)
                await Refuse(training, run, NoSpace, () => disk.LeaveFiles(files), disk.Free);
            foreach (string part in new[] { "run/checkpoints", "run/epochs" })
                await Refuse(training, run, "read-only", () => disk.SetReadOnly(part, isReadOnly: true), () => disk.SetReadOnly(part, isReadOnly: false));

            await EndsUnsaved(training, disk, run);
        }

        // The trainer took what it had staged away when it ended.
        await disk.LeavePages(0);
        long goodStep = LatestStep(run);
        HostRun tooEarly = await HostRun.EndOf(disk.Start(_folder.Path, HostRun.Executable, "train", "--run-path", "disk/run"));
        Assert.NotEqual(0, tooEarly.ExitCode);
        Assert.Contains("no space left on the disk", Assert.Single(tooEarly.Sentences), StringComparison.Ordinal);
        Assert.Equal(goodStep, LatestStep(run));

        await disk.Free();
        int epoch = await GoOn(disk);
        Assert.Empty(Directory.EnumerateDirectories(RunFolder.CheckpointsPathOf(run), ".*"));
        Assert.Empty(Directory.EnumerateFiles(run, "*.tmp", SearchOption.AllDirectories));
        await HasTheSameBits(run, epoch);
    }

    public void Dispose() => _folder.Dispose();

    // It says so, trains on, and what was on disk stays good; with room again it is all written.
    private static async Task Refuse(LiveTraining training, string run, string reason, Func<Task> refuse, Func<Task> allow)
    {
        await Refused(training, run, reason, refuse);
        await allow();
        await training.Next<CheckpointSaved>();
    }

    private static async Task Refused(LiveTraining training, string run, string reason, Func<Task> refuse)
    {
        Assert.Contains(reason, await NextRefusal(training, refuse), StringComparison.Ordinal);
        await training.Next<EpochFinished>();
        Assert.True(LatestStep(run) >= training.Events.OfType<CheckpointSaved>().Last().GlobalStep);
    }

    private static async Task<string> NextRefusal(LiveTraining training, Func<Task> refuse)
    {
        await refuse();
        while (true)
        {
            RunEvent next = await training.Next<RunEvent>();
            if (next is RunWarning warning && warning.Message.Contains("could not be written", StringComparison.Ordinal))
                return warning.Message;

            // What was being written counted as used, and an older one has gone since: there is more room than was to be left.
            if (next is CheckpointSaved)
                await refuse();
        }
    }

    private static async Task EndsUnsaved(LiveTraining training, SmallDisk disk, string run)
    {
        await Refused(training, run, NoSpace, () => disk.LeavePages(0));
        training.Signal(Terminate);
        HostRun end = await training.End();
        Assert.Equal((int)ExitCode.Unexpected, end.ExitCode);
        Assert.Contains("the checkpoints before it are as they were", end.Sentences[0], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Error, StringComparison.Ordinal);
    }

    private async Task<int> GoOn(SmallDisk disk)
    {
        using LiveTraining training = Start(disk, "--set", "checkpoint.keep=all");
        EpochFinished epoch = await training.Next<EpochFinished>();
        while ((await training.Next<CheckpointSaved>()).Epoch < epoch.Epoch)
        {
        }

        training.Signal(Terminate);
        HostRun end = await training.End();
        Assert.Equal((75, ""), (end.ExitCode, end.Error));
        return epoch.Epoch;
    }

    private async Task HasTheSameBits(string run, int epoch)
    {
        using LiveTraining untouched = new(HostRun.Start(_folder.Path, [.. Arguments("untouched"), "--set", "checkpoint.keep=all"]));
        while ((await untouched.Next<CheckpointSaved>()).Epoch < epoch)
        {
        }

        untouched.Signal(Terminate);
        Assert.Equal(75, (await untouched.End()).ExitCode);
        string name = string.Create(CultureInfo.InvariantCulture, $"epoch-{epoch:D4}");
        Checkpoint expected = CheckpointStore.Open(Path.Combine(RunFolder.CheckpointsPathOf(_folder.At("untouched")), name));
        Checkpoint actual = CheckpointStore.Open(Path.Combine(RunFolder.CheckpointsPathOf(run), name));
        Assert.Equal(expected.Manifest.Files.OrderBy(file => file.Key), actual.Manifest.Files.OrderBy(file => file.Key));
        for (int done = 0; done <= epoch; done++)
            Assert.Equal(File.ReadAllText(Path.Combine(RunFolder.EpochFolderOf(_folder.At("untouched"), done), "losses.csv")), File.ReadAllText(Path.Combine(RunFolder.EpochFolderOf(run, done), "losses.csv")));
    }

    private static long LatestStep(string run)
    {
        List<string> warnings = [];
        CheckpointArchive latest = new CheckpointStore(RunFolder.CheckpointsPathOf(run)).OpenLatest(warnings.Add)!;
        Assert.Empty(warnings);
        return latest.Checkpoint.Manifest.Cursor.GlobalStep;
    }

    private LiveTraining Start(SmallDisk disk, params string[] more) => new(disk.Start(_folder.Path, [HostRun.Executable, .. Arguments("disk/run"), .. more]));

    private static string[] Arguments(string run) =>
    [
        "train", "--run-path", run, "--events", "--life-line",
        "--set", "data.path=data", "--set", "data.dataset=change-pairs", "--set", "data.crop_size=32", "--set", "loader.batch_size=2",
        "--set", "loader.num_workers=1", "--set", "model.base_channels=2", "--set", "trainer.epochs=100000", "--set", "trainer.validate_every=100000",
        "--set", "threads=1",
    ];
}
