using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Data.Ordering;
using RobustTrain.Tests.Host;

namespace RobustTrain.Tests.Data;

/// <summary>What the machine itself can do to a loader: memory that is short, files that can't be read, workers that die before they begin.</summary>
[Collection(LoaderCollection.Name)]
public sealed class LoaderEnvironmentTests
{
    private static readonly LoaderOptions Options = new()
    {
        BatchSize = 4,
        Shuffle = true,
        Seed = 5,
        NumWorkers = 2,
        HealthCheckInterval = TimeSpan.FromMilliseconds(50),
        MaxErrors = 50,
    };

    private static string Host => Path.Combine(AppContext.BaseDirectory, "robusttrain");

    [LinuxFact("It needs a shell of Unix and its files.")]
    public void A_worker_whose_memory_does_not_suffice_for_a_sample_loses_that_sample_alone_and_names_it()
    {
        using TemporaryFolder folder = new();
        for (int image = 0; image < 12; image++)
            folder.Write($"{image:00}.png", Fixture.Bytes("rgb.png"));
        folder.Write("05.bmp", Bitmap(4000, 4000));
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = folder.Path, CropSize = 16 });
        int large = Enumerable.Range(0, dataset.Count).Single(index => dataset.NameOf(index) == "05.bmp");
        LoaderOptions options = Options with
        {
            WorkerKind = WorkerKind.Process,
            OnBadSample = BadSamplePolicy.Skip,
            MaxSkipped = 1,
            // 48 MB of pixels do not fit into a heap of 24.
            WorkerCommand = new WorkerCommand("env", ["DOTNET_GCHeapHardLimit=0x1800000", Host, WorkerCommand.Verb]),
        };
        (List<int> indices, EpochLedger ledger) = Load(dataset, options);
        Assert.Equal(Plan(dataset, options).Where(index => index != large), indices);
        LedgerEntry skipped = Assert.Single(ledger.Entries, entry => entry.Action == LedgerAction.Skipped);
        Assert.Equal(large, skipped.SampleIndex);
        Assert.Contains("OutOfMemory", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Shared_memory_that_does_not_suffice_is_a_sentence()
    {
        LoaderOptions options = Options with { WorkerKind = WorkerKind.Process, BatchSize = 1 << 20, PrefetchQueueLength = 4096 };
        using TemporaryFolder folder = new();
        folder.Write("0.png", Fixture.Bytes("rgb.png"));
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = folder.Path, CropSize = 2048 });
        using PrefetchLoader loader = new(dataset, options);
        Assert.Contains("does not fit into shared memory", Assert.Throws<LoaderException>(() => loader.Open(0)).Message, StringComparison.Ordinal);
    }

    [LinuxTheory("It needs a shell of Unix and its files.")]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void Files_that_can_not_be_read_stand_in_the_ledger_with_what_the_system_says(WorkerKind kind)
    {
        using TemporaryFolder folder = new();
        for (int image = 0; image < 20; image++)
            folder.Write($"{image:00}.png", Fixture.Bytes("rgb.png"));
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = folder.Path, CropSize = 16 });
        Replace("03.png", file => File.CreateSymbolicLink(file, file));
        Replace("07.png", file => File.CreateSymbolicLink(file, "/proc/self/mem"));
        Replace("11.png", file => Directory.CreateDirectory(file));
        LoaderOptions options = Options with { WorkerKind = kind, OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 3 };
        (List<int> indices, EpochLedger ledger) = Load(dataset, options);
        Assert.Equal(Plan(dataset, options).Where(index => index is not (3 or 7 or 11)), indices);
        LedgerEntry[] skipped = [.. ledger.Entries.Where(entry => entry.Action == LedgerAction.Skipped)];
        Assert.Equal([3, 7, 11], skipped.Select(entry => entry.SampleIndex).Order());
        Assert.All(skipped, entry => Assert.Contains(entry.Sample, entry.Reason, StringComparison.Ordinal));

        void Replace(string name, Action<string> put)
        {
            File.Delete(folder.At(name));
            put(folder.At(name));
        }
    }

    [RightsTheory]
    [InlineData("thread")]
    [InlineData("process")]
    [SupportedOSPlatform("linux")]
    public async Task A_file_that_the_user_may_not_read_is_skipped_and_named(string kind)
    {
        using TemporaryFolder folder = new();
        for (int image = 0; image < 12; image++)
            folder.Write($"{image:00}.png", Fixture.Bytes("rgb.png"));
        File.SetUnixFileMode(folder.At("05.png"), UnixFileMode.None);
        using Process loader = RightsTheoryAttribute.Start(
            Host, "loader", "--images", folder.Path, "--crop-size", "16", "--kind", kind, "--workers", "2", "--events",
            "--set", "loader.on_bad_sample=skip", "--set", "loader.max_skipped=1");
        (int exitCode, List<JsonElement> events, string errors) = await EventsOf(loader);
        Assert.True(exitCode == 0, errors);
        JsonElement measured = events.Single(line => line.GetProperty("event").GetString() == "loader_measured");
        Assert.Equal((11, 1, 0), (measured.GetProperty("delivered").GetInt32(), measured.GetProperty("skipped").GetInt32(), measured.GetProperty("lost").GetInt32()));
        // The right may come back: nothing is remembered.
        Assert.Equal(0, measured.GetProperty("quarantined").GetInt32());
        JsonElement skipped = events.Single(line => line.TryGetProperty("kind", out JsonElement happened) && happened.GetString() == "sample_skipped");
        Assert.Equal("05.png", skipped.GetProperty("sample").GetString());
        Assert.Contains($"'{folder.At("05.png")}'", skipped.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("denied", skipped.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [LinuxFact("It needs a shell of Unix and its files.")]
    public void A_worker_that_dies_while_starting_is_replaced_and_nothing_is_lost()
    {
        using TemporaryFolder folder = new();
        string script = $"if mkdir '{folder.At("once")}' 2>/dev/null; then exit 1; else exec '{Host}' {WorkerCommand.Verb}; fi";
        IntegersDataset dataset = new(64);
        LoaderOptions options = Options with { WorkerKind = WorkerKind.Process, NumWorkers = 1, WorkerCommand = new WorkerCommand("/bin/sh", ["-c", script]) };
        LoaderRun run = LoaderRun.Of(dataset, options).MustBeWhole(dataset, options);
        Assert.Equal(1, run.Ledger.WorkerFailures);
        Assert.Empty(run.Ledger.Entries);
        Assert.Contains(run.Events, happened => happened.Kind == LoaderEventKind.WorkerDied && happened.Message.Contains("while starting", StringComparison.Ordinal));
        Assert.Equal(64, run.Ledger.DeliveredBy["process-0"]);
    }

    [LinuxFact("It needs a shell of Unix and its files.")]
    public void A_worker_that_is_stopped_while_starting_is_found_before_its_start_has_taken_too_long()
    {
        using TemporaryFolder folder = new();
        string script = $"if mkdir '{folder.At("once")}' 2>/dev/null; then kill -STOP $$; fi; exec '{Host}' {WorkerCommand.Verb}";
        IntegersDataset dataset = new(64);
        LoaderOptions options = Options with
        {
            WorkerKind = WorkerKind.Process,
            NumWorkers = 1,
            Timeout = TimeSpan.FromSeconds(1),
            StartTimeout = TimeSpan.FromHours(1),
            WorkerCommand = new WorkerCommand("/bin/sh", ["-c", script]),
        };
        LoaderRun run = LoaderRun.Of(dataset, options).MustBeWhole(dataset, options);
        LoaderEvent stuck = Assert.Single(run.Events, happened => happened.Kind == LoaderEventKind.WorkerStuck);
        Assert.Contains("while starting", stuck.Message, StringComparison.Ordinal);
        Assert.Contains(" stopped", stuck.Message, StringComparison.Ordinal);
        Assert.Equal(64, run.Ledger.DeliveredBy["process-0"]);
    }

    [Fact]
    public void A_consumer_that_leaves_process_workers_in_mid_epoch_may_come_back()
    {
        IntegersDataset dataset = new(400);
        LoaderOptions options = Options with { WorkerKind = WorkerKind.Process };
        using PrefetchLoader loader = new(dataset, options);
        for (int leave = 0; leave < 5; leave++)
        {
            using EpochStream stream = loader.Open(leave);
            for (int batch = 0; batch <= leave; batch++)
            {
                Assert.True(stream.MoveNext());
                stream.Current.Dispose();
            }
        }

        LoaderRun.Of(loader, [], epoch: 9).MustBeWhole(dataset, options, epoch: 9);
    }

    [Theory]
    [InlineData(WorkerKind.Thread, true)]
    [InlineData(WorkerKind.Thread, false)]
    [InlineData(WorkerKind.Process, true)]
    [InlineData(WorkerKind.Process, false)]
    public void Two_iterators_over_one_loader_are_right_20_times_of_20(WorkerKind kind, bool persistent)
    {
        IntegersDataset dataset = new(48);
        LoaderOptions options = Options with { WorkerKind = kind, PersistentWorkers = persistent };
        using PrefetchLoader loader = new(dataset, options);
        for (int time = 0; time < 20; time++)
        {
            using EpochStream one = loader.Open(2 * time);
            using EpochStream two = loader.Open((2 * time) + 1);
            List<int> first = [];
            List<int> second = [];
            // The second is always a few batches behind the first, and goes on when that has ended.
            for (int turn = 0; Take(one, first) | (turn >= 3 && Take(two, second)) | second.Count < dataset.Count; turn++)
            {
            }

            Assert.Equal(Plan(dataset, options, 2 * time), first);
            Assert.Equal(Plan(dataset, options, (2 * time) + 1), second);
        }
    }

    [FullDiskFact]
    public async Task A_full_dev_shm_does_not_matter()
    {
        const string script = "mount -t tmpfs -o size=4k tmpfs /dev/shm && { cat /dev/zero >/dev/shm/full 2>/dev/null || true; } && ! echo x >/dev/shm/more 2>/dev/null && ";
        (int exitCode, JsonElement measured, string errors) = await RunLoader(script);
        Assert.True(exitCode == 0, errors);
        Assert.Equal((20000, 0), (measured.GetProperty("delivered").GetInt32(), measured.GetProperty("lost").GetInt32()));
    }

    [FullDiskFact]
    public async Task Shared_memory_that_the_system_refuses_is_one_sentence()
    {
        // The runtime's own shared memory is not what is refused here.
        (int exitCode, _, string errors) = await RunLoader("export DOTNET_EnableWriteXorExecute=0; ulimit -f 16; trap '' XFSZ; ");
        Assert.Equal(2, exitCode);
        Assert.Contains("does not fit into shared memory", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, JsonElement Measured, string Errors)> RunLoader(string before)
    {
        using TemporaryFolder folder = new();
        using Process loader = FullDiskFactAttribute.Start(
            folder.Path, $"{before}exec '{Host}' loader --integers 20000 --workers 2 --kind process --events --set loader.batch_size=4096");
        (int exitCode, List<JsonElement> events, string errors) = await EventsOf(loader);
        return (exitCode, events.Find(line => line.GetProperty("event").GetString() == "loader_measured"), errors);
    }

    private static async Task<(int ExitCode, List<JsonElement> Events, string Errors)> EventsOf(Process loader)
    {
        Task<string> output = loader.StandardOutput.ReadToEndAsync();
        string errors = await loader.StandardError.ReadToEndAsync();
        string[] lines = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await loader.WaitForExitAsync();
        return (loader.ExitCode, [.. lines.Select(line => JsonDocument.Parse(line).RootElement)], errors + string.Concat(lines));
    }

    private static (List<int> Indices, EpochLedger Ledger) Load(IDataset dataset, LoaderOptions options)
    {
        using PrefetchLoader loader = new(dataset, options);
        using EpochStream stream = loader.Open(0);
        List<int> indices = [];
        while (Take(stream, indices))
        {
        }

        return (indices, stream.Ledger);
    }

    private static bool Take(EpochStream stream, List<int> indices)
    {
        if (!stream.MoveNext())
            return false;
        using IBatch batch = stream.Current;
        indices.AddRange(batch.SampleIndices);
        return true;
    }

    private static List<int> Plan(IDataset dataset, LoaderOptions options, int epoch = 0)
    {
        EpochPlan plan = new(dataset.Count, options, epoch);
        return [.. Enumerable.Range(0, plan.BatchCount).SelectMany(batch => Enumerable.Range(0, plan.CountOf(batch)).Select(position => plan[batch, position].Index))];
    }

    /// <summary>A BMP of 24 bits whose pixels are all black.</summary>
    private static byte[] Bitmap(int width, int height)
    {
        byte[] file = new byte[54 + (width * height * 3)];
        "BM"u8.CopyTo(file);
        BitConverter.GetBytes(file.Length).CopyTo(file, 2);
        BitConverter.GetBytes(54).CopyTo(file, 10);
        BitConverter.GetBytes(40).CopyTo(file, 14);
        BitConverter.GetBytes(width).CopyTo(file, 18);
        BitConverter.GetBytes(height).CopyTo(file, 22);
        BitConverter.GetBytes((short)1).CopyTo(file, 26);
        BitConverter.GetBytes((short)24).CopyTo(file, 28);
        return file;
    }
}
