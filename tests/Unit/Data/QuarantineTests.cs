using System.Text.RegularExpressions;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Recovery;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>Samples that are not to be loaded, across epochs, loaders and files.</summary>
[Collection(LoaderCollection.Name)]
public sealed class QuarantineTests : IDisposable
{
    private static readonly IntegersDataset Dataset = new(200);

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.At("quarantine.json");

    private LoaderOptions Options => new()
    {
        BatchSize = 8,
        Shuffle = true,
        Seed = 5,
        HealthCheckInterval = TimeSpan.FromMilliseconds(50),
        OnBadSample = BadSamplePolicy.Skip,
        MaxSkipped = 3,
        QuarantinePath = FilePath,
    };

    [Fact]
    public void It_outlives_the_loader_and_can_be_ignored()
    {
        Assert.Equal(1, LoaderRun.Of(Dataset, Bad(31)).Ledger.Quarantined);
        LoaderRun later = LoaderRun.Of(Dataset, Options);
        Assert.Equal((199, 1, 1, 0), (later.Ledger.Delivered, later.Ledger.Skipped, later.Ledger.Quarantined, later.Ledger.Retried));
        Assert.Equal([LedgerAction.Quarantined, LedgerAction.Skipped], later.Ledger.Entries.Select(entry => entry.Action));
        Assert.All(later.Ledger.Entries, entry => Assert.Equal(31, entry.SampleIndex));
        Assert.All(later.Ledger.Entries, entry => Assert.Contains("quarantine since", entry.Reason, StringComparison.Ordinal));
        Assert.Equal(LoaderRun.Of(Dataset, Options with { NumWorkers = 0 }).Ledger.Digest, later.Ledger.Digest);

        LoaderOptions ignoring = Options with { IgnoreQuarantine = true };
        LoaderRun.Of(Dataset, ignoring).MustBeWhole(Dataset, ignoring);
    }

    [Fact]
    public void Why_a_sample_came_there_is_said_once()
    {
        LoaderRun found = LoaderRun.Of(Dataset, Bad(31));
        string[] told = [.. found.Events.Where(happened => happened.Kind is LoaderEventKind.SampleQuarantined or LoaderEventKind.SampleSkipped).Select(happened => happened.Message)];
        string evidence = found.Events.First(happened => happened.Kind == LoaderEventKind.SampleFailed).Message.TrimEnd('.');
        Assert.Equal([$"Sample 31 (31) is in quarantine: {evidence} (2 times).", "Sample 31 (31) is skipped: it is in quarantine."], told);

        LoaderEvent later = Assert.Single(LoaderRun.Of(Dataset, Options).Events, happened => happened.Kind == LoaderEventKind.SampleSkipped);
        Assert.Matches($@"^Sample 31 \(31\) is skipped: it is in quarantine since .*: {Regex.Escape(evidence)} \(2 times\) \(its file is '.*'; .*\)\.$", later.Message);
    }

    [Fact]
    public void Where_nothing_may_be_skipped_it_ends_the_stream_and_says_what_helps()
    {
        LoaderRun.Of(Dataset, Bad(31));
        SampleException error = Assert.Throws<SampleException>(() => LoaderRun.Of(Dataset, Options with { OnBadSample = BadSamplePolicy.Fail }));
        Assert.Contains("quarantine since", error.Message, StringComparison.Ordinal);
        Assert.Contains("ignore_quarantine", error.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_epoch_finds_counts_from_the_next_one_on()
    {
        using PrefetchLoader loader = new(Dataset, Bad(31));
        Assert.Equal(1, LoaderRun.Of(loader, [], epoch: 0).Ledger.Retried);
        LoaderRun next = LoaderRun.Of(loader, [], epoch: 1);
        Assert.Equal((0, 1, 1), (next.Ledger.Retried, next.Ledger.Skipped, next.Ledger.Quarantined));
        // Another stream of the epoch that found it delivers what that one did.
        Assert.Equal(1, LoaderRun.Of(loader, [], epoch: 0).Ledger.Retried);
    }

    [Fact]
    public void A_state_is_what_had_been_found_before_its_place()
    {
        int due = 0;
        using PrefetchLoader loader = new(Dataset, Bad(31));
        LoaderRun.Of(loader, [], onBatch: (_, batch) => due += loader.Quarantine.StateAt(0, batch.Index).Count == 0 ? 1 : 0);
        IReadOnlyList<QuarantineMark> state = loader.Quarantine.StateAt(1, 0);
        QuarantineMark mark = Assert.Single(state);
        Assert.Equal((31, "31", 0), (mark.SampleIndex, mark.Sample, mark.Epoch));
        Assert.Equal(mark.Batch, due - 1);
        Assert.Empty(loader.Quarantine.StateAt(0, mark.Batch!.Value));
        Assert.Single(loader.Quarantine.StateAt(0, mark.Batch.Value + 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_restored_state_counts_whatever_the_file_says_now(bool emptied)
    {
        IReadOnlyList<QuarantineMark> state;
        using (PrefetchLoader first = new(Dataset, Bad(31)))
        {
            LoaderRun.Of(first, []);
            state = first.Quarantine.StateAt(1, 0);
        }

        LoaderRun.Of(Dataset, Bad(77) with { IgnoreQuarantine = true });
        if (emptied)
            File.Delete(FilePath);
        using PrefetchLoader resumed = new(Dataset, Options);
        Assert.Equal(emptied ? [] : [31, 77], resumed.Quarantine.Entries.Select(entry => entry.SampleIndex));
        resumed.Quarantine.Restore(state);
        LoaderRun run = LoaderRun.Of(resumed, [], epoch: 1);
        Assert.Equal(31, Assert.Single(run.Ledger.Entries, entry => entry.Action == LedgerAction.Skipped).SampleIndex);
        Assert.Equal(0, LoaderRun.Of(resumed, [], epoch: 0).Ledger.Skipped);
    }

    [Fact]
    public void It_ends_when_the_file_changes_and_moves_with_a_data_set_that_grows()
    {
        string images = _folder.At("images");
        for (int image = 0; image < 12; image++)
            _folder.Write($"images/{image:00}.png", Fixture.Bytes("rgb.png"));
        _folder.Write("images/05.png", Fixture.Bytes("rgb.png")[..60]);
        Assert.Equal([5], Skipped(images));
        _folder.Write("images/00-new.png", Fixture.Bytes("rgb.png"));
        Assert.Equal([6], Skipped(images));
        Assert.Contains("\"sample_index\":5", File.ReadAllText(FilePath), StringComparison.Ordinal);
        _folder.Write("images/05.png", Fixture.Bytes("rgb.png"));
        Assert.Empty(Skipped(images));
    }

    [Theory]
    [InlineData("outofmemory")]
    [InlineData("exception")]
    public void What_may_be_mended_without_the_sample_is_skipped_and_tried_again(string fault)
    {
        LoaderOptions failing = Options with { Faults = FaultPlan.Parse($"{fault}@31!") };
        using PrefetchLoader loader = new(Dataset, failing);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            // Each epoch tries it again, and skips it again.
            EpochLedger ledger = LoaderRun.Of(loader, [], epoch).Ledger;
            Assert.Equal((199, 1, 1, 0), (ledger.Delivered, ledger.Retried, ledger.Skipped, ledger.Quarantined));
        }

        Assert.Empty(loader.Quarantine.Entries);
        Assert.False(File.Exists(FilePath));
        LoaderRun.Of(Dataset, Options).MustBeWhole(Dataset, Options);
    }

    [Fact]
    public void A_crop_that_an_image_does_not_hold_is_not_the_images_fault()
    {
        string images = _folder.At("images");
        _folder.Write("images/0.png", Fixture.Bytes("rgb.png"));
        _folder.Write("images/1.bmp", TestImage.Coordinates(64, 64, 0));
        Assert.Equal([0], Skipped(images, crop: 48));
        Assert.Empty(Skipped(images));
    }

    [Fact]
    public void A_file_that_is_none_is_a_sentence()
    {
        _folder.Write("quarantine.json", "hello"u8.ToArray());
        Assert.Contains(FilePath, Assert.Throws<LoaderException>(() => new PrefetchLoader(Dataset, Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_can_not_be_written_is_an_event_and_loses_nothing()
    {
        _folder.Write("file", []);
        LoaderRun run = LoaderRun.Of(Dataset, Bad(31) with { QuarantinePath = _folder.At("file/quarantine.json") });
        Assert.Equal((199, 1), (run.Ledger.Delivered, run.Ledger.Skipped));
        LoaderEvent refused = Assert.Single(run.Events, happened => happened.Kind == LoaderEventKind.QuarantineNotWritten);
        Assert.Contains("can't be written", refused.Message, StringComparison.Ordinal);
        Assert.Equal(31, refused.SampleIndex);
    }

    [Fact]
    public async Task Runs_that_add_to_one_file_at_the_same_time_lose_no_entry()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(run => Task.Run(() =>
        {
            Quarantine quarantine = new(Dataset, Options with { IgnoreQuarantine = true });
            for (int sample = 0; sample < 10; sample++)
                quarantine.Add((run * 10) + sample, 0, ["it failed"]);
        })));
        Assert.Equal(Enumerable.Range(0, 40), new Quarantine(Dataset, Options).Entries.Select(entry => entry.SampleIndex));
    }

    public void Dispose() => _folder.Dispose();

    private LoaderOptions Bad(int sample) => Options with { Faults = FaultPlan.Parse($"corrupt@{sample}!") };

    private List<int> Skipped(string images, int crop = 16)
    {
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = images, CropSize = crop });
        using PrefetchLoader loader = new(dataset, Options);
        using EpochStream stream = loader.Open(0);
        while (stream.MoveNext())
            stream.Current.Dispose();
        return [.. stream.Ledger.Entries.Where(entry => entry.Action == LedgerAction.Skipped).Select(entry => entry.SampleIndex)];
    }
}
