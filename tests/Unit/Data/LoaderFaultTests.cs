using System.Diagnostics;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Data.Loading.Ring;
using RobustTrain.Data.Loading.Workers;

namespace RobustTrain.Tests.Data;

/// <summary>Faults that the loader survives, with thread and with process workers.</summary>
[Collection(LoaderCollection.Name)]
public sealed class LoaderFaultTests
{
    private static readonly LoaderOptions Options = new()
    {
        BatchSize = 8,
        Shuffle = true,
        Seed = 5,
        NumWorkers = 2,
        Timeout = TimeSpan.FromSeconds(2),
        HealthCheckInterval = TimeSpan.FromMilliseconds(50),
        MaxErrors = 50,
    };

    private static readonly IntegersDataset Dataset = new(200);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static TheoryData<WorkerKind, string> Losses()
    {
        TheoryData<WorkerKind, string> data = [];
        foreach (WorkerKind kind in Enum.GetValues<WorkerKind>())
        {
            foreach (string fault in (string[])["kill", "exit", "segfault", "stop", "stall", "loop", "outofmemory", "exception"])
                data.Add(kind, fault);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public void A_fault_at_one_sample_loses_none(WorkerKind kind, string fault)
    {
        LoaderOptions options = With(kind, $"{fault}@17");
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Equal(Undisturbed().Ledger.Digest, run.Ledger.Digest);
        LedgerEntry retried = Assert.Single(run.Ledger.Entries);
        Assert.Equal((LedgerAction.Retried, 17), (retried.Action, retried.SampleIndex));
        bool takesTheWorker = fault is not ("outofmemory" or "exception");
        Assert.Equal(takesTheWorker ? 1 : 0, run.Ledger.WorkerFailures);
        if (takesTheWorker)
            Assert.Single(run.Events, loaderEvent => loaderEvent.Kind is LoaderEventKind.WorkerDied && fault is "kill" or "exit" or "segfault" || loaderEvent.Kind is LoaderEventKind.WorkerStuck);
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void What_the_observer_throws_of_a_worker_is_the_consumers(WorkerKind kind)
    {
        LoaderOptions options = With(kind, "kill@17") with { Observer = happened => { if (happened.Kind == LoaderEventKind.WorkerDied) throw new InvalidOperationException("refused"); } };
        using PrefetchLoader loader = new(Dataset, options);
        using EpochStream stream = loader.Open(0);
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() =>
        {
            while (stream.MoveNext())
                stream.Current.Dispose();
        });
        Assert.Equal("refused", thrown.Message);
    }

    [Theory]
    [InlineData(WorkerKind.Thread, "kill:0.04,exception:0.04,outofmemory:0.03")]
    [InlineData(WorkerKind.Process, "kill:0.03,exit:0.02,segfault:0.02,exception:0.04")]
    public void Many_faults_lose_nothing(WorkerKind kind, string faults)
    {
        LoaderOptions options = With(kind, faults) with { NumWorkers = 3 };
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Equal(Undisturbed().Ledger.Digest, run.Ledger.Digest);
        Assert.True(run.Ledger.WorkerFailures >= 3);
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Theory]
    [InlineData(WorkerKind.Thread, "stall@31!")]
    [InlineData(WorkerKind.Process, "stall@31!")]
    [InlineData(WorkerKind.Process, "loop@31!")]
    [InlineData(WorkerKind.Process, "segfault@31!")]
    [InlineData(WorkerKind.Process, "kill@31!")]
    [InlineData(WorkerKind.Thread, "exception@31!")]
    [InlineData(WorkerKind.Process, "corrupt@31")]
    public void A_sample_that_fails_every_time_is_skipped_and_named(WorkerKind kind, string fault)
    {
        LoaderOptions options = With(kind, fault) with { OnBadSample = BadSamplePolicy.Skip, Timeout = TimeSpan.FromMilliseconds(400) };
        LoaderRun run = LoaderRun.Of(Dataset, options);
        List<int> expected = [.. Undisturbed().Indices.Where(index => index != 31)];
        Assert.Equal(expected, run.Indices);
        Assert.Equal(expected.Select(index => (long)index), run.Values);
        // An exception may be anybody's fault: the next epoch tries the sample again.
        Assert.Equal((199, 1, fault.StartsWith("exception", StringComparison.Ordinal) ? 0 : 1), (run.Ledger.Delivered, run.Ledger.Skipped, run.Ledger.Quarantined));
        LedgerEntry skipped = Assert.Single(run.Ledger.Entries, entry => entry.Action == LedgerAction.Skipped);
        Assert.Equal(31, skipped.SampleIndex);
        Assert.Matches(@"; then | \(\d times\)$", skipped.Reason);
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void A_bad_sample_that_may_not_be_skipped_ends_the_epoch_where_it_is_due(WorkerKind kind)
    {
        List<int> before = [];
        SampleException error = Assert.Throws<SampleException>(() => LoaderRun.Of(
            Dataset,
            With(kind, "corrupt@31"),
            onBatch: (_, batch) => before.AddRange(batch.SampleIndices)));
        Assert.Contains("sample 31", error.Message, StringComparison.Ordinal);
        List<int> all = Undisturbed().Indices;
        Assert.Equal(all[..(all.IndexOf(31) / 8 * 8)], before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void More_bad_samples_than_the_budget_end_the_epoch_and_are_named(int workers)
    {
        LoaderOptions options = With(WorkerKind.Thread, "corrupt@1,corrupt@2,corrupt@3") with
        {
            NumWorkers = workers,
            OnBadSample = BadSamplePolicy.Skip,
            MaxSkipped = 2,
        };
        SkipBudgetException error = Assert.Throws<SkipBudgetException>(() => LoaderRun.Of(Dataset, options));
        Assert.Equal(["1", "2", "3"], error.Samples.Order());
        Assert.Contains("max_skipped is 2", error.Message, StringComparison.Ordinal);
        LoaderRun run = LoaderRun.Of(Dataset, options with { MaxSkipped = 3 });
        Assert.Equal((197, 3), (run.Ledger.Delivered, run.Ledger.Skipped));
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void Too_many_failures_fall_back_to_the_trainers_process_in_the_same_order(WorkerKind kind)
    {
        LoaderOptions options = With(kind, "kill:0.3") with { MaxErrors = 3 };
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Equal(Undisturbed().Ledger.Digest, run.Ledger.Digest);
        Assert.Single(run.Events, loaderEvent => loaderEvent.Kind == LoaderEventKind.FellBack);
        Assert.True(run.Ledger.DeliveredBy["trainer"] > 100);
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void A_sample_that_stalled_once_is_not_given_up_by_the_fallback(WorkerKind kind)
    {
        LoaderOptions options = StallingUntilFallback(kind, every: "");
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Equal(Undisturbed().Ledger.Digest, run.Ledger.Digest);
        Assert.Single(run.Events, loaderEvent => loaderEvent.Kind == LoaderEventKind.FellBack);
        Assert.Equal((Stalls(kind), Stalls(kind), 0), (run.Ledger.WorkerFailures, run.Ledger.Retried, run.Ledger.Quarantined));
        Assert.InRange(run.Ledger.DeliveredBy["trainer"], 200 - options.BatchSize * 4, 200);
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void A_sample_that_stalls_again_after_the_fallback_does_not_hold_the_trainer_up(WorkerKind kind)
    {
        LoaderOptions options = StallingUntilFallback(kind, every: "!");
        LoaderRun run = LoaderRun.Of(Dataset, options);
        int last = Undisturbed().Indices[Stalls(kind) - 1];
        Assert.Equal(Undisturbed().Indices.Where(index => index != last), run.Indices);
        LedgerEntry skipped = Assert.Single(run.Ledger.Entries, entry => entry.Action == LedgerAction.Skipped);
        Assert.Equal(last, skipped.SampleIndex);
        Assert.Contains("; then worker beside the trainer stood still for more than 0.2 s", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Leaving_while_a_sample_is_tried_beside_the_trainer_takes_no_longer_than_elsewhere()
    {
        using CancellationTokenSource stopping = new();
        // Long enough for the trial to be still under way; the stalls before it are found by the same timeout.
        LoaderOptions options = StallingUntilFallback(WorkerKind.Process, every: "!") with
        {
            Timeout = TimeSpan.FromSeconds(5),
            Observer = loaderEvent =>
            {
                if (loaderEvent.Kind == LoaderEventKind.FellBack)
                    stopping.CancelAfter(200);
            },
        };
        using PrefetchLoader loader = new(Dataset, options);
        using EpochStream stream = loader.Open(0, stopping: stopping.Token);
        Assert.Throws<OperationCanceledException>(() =>
        {
            while (stream.MoveNext())
                stream.Current.Dispose();
        });
        Assert.Equal(0, stream.Ledger.Quarantined);
    }

    [Fact]
    public void A_sample_that_crashed_a_worker_is_not_tried_in_the_trainers_process()
    {
        List<int> order = Undisturbed().Indices;
        LoaderOptions options = With(WorkerKind.Process, string.Join(',', order.Take(4).Select(index => $"exit@{index}"))) with
        {
            NumWorkers = 1,
            MaxErrors = 1,
            OnBadSample = BadSamplePolicy.Skip,
        };
        LoaderRun run = LoaderRun.Of(Dataset, options);
        Assert.Equal(order.Where(index => index != order[3]), run.Indices);
        LedgerEntry skipped = Assert.Single(run.Ledger.Entries, entry => entry.Action == LedgerAction.Skipped);
        Assert.Contains("exited with code 1", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Workers_that_cannot_start_fall_back()
    {
        LoaderOptions options = With(WorkerKind.Process, null) with { MaxErrors = 4, WorkerCommand = new WorkerCommand("/nowhere/robusttrain", []) };
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Equal(200, run.Ledger.DeliveredBy["trainer"]);
        Assert.Equal(4, run.Events.Count(loaderEvent => loaderEvent.Kind == LoaderEventKind.WorkerDied));
        Assert.Contains(run.Events, loaderEvent => loaderEvent.Message.Contains("could not be started", StringComparison.Ordinal));
    }

    [LinuxTheory("It needs programs and paths of Unix.")]
    [InlineData("/bin/false", "exited with code 1")]
    [InlineData("/bin/sleep", "stood still")]
    public void Workers_that_die_or_hang_at_every_start_fall_back(string program, string how)
    {
        LoaderOptions options = With(WorkerKind.Process, null) with
        {
            MaxErrors = 3,
            StartTimeout = TimeSpan.FromMilliseconds(300),
            WorkerCommand = new WorkerCommand(program, ["1000"]),
        };
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Contains(run.Events, loaderEvent => loaderEvent.Message.Contains(how, StringComparison.Ordinal));
        Assert.Contains(run.Events, loaderEvent => loaderEvent.Message.Contains("while starting", StringComparison.Ordinal));
        Assert.Equal(200, run.Ledger.DeliveredBy["trainer"]);
    }

    [Fact]
    public void Killing_all_workers_at_once_again_and_again_loses_nothing()
    {
        LoaderOptions options = With(WorkerKind.Process, null) with { NumWorkers = 3 };
        IntegersDataset dataset = new(2000);
        int kills = 0;
        LoaderRun run = LoaderRun.Of(dataset, options, onBatch: (stream, batch) =>
        {
            if (batch.Index is 20 or 90 or 160)
                kills += LoaderProcesses.KillAll(stream);
        }).MustBeWhole(dataset, options);
        Assert.True(kills >= 6);
        Assert.True(run.Ledger.WorkerFailures >= 6);
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Fact]
    public void Workers_stopped_by_a_signal_while_idle_are_replaced()
    {
        LoaderOptions options = With(WorkerKind.Process, null) with { Timeout = TimeSpan.FromMilliseconds(400) };
        IntegersDataset dataset = new(1000);
        LoaderRun run = LoaderRun.Of(dataset, options, onBatch: (stream, batch) =>
        {
            if (batch.Index == 10)
                LoaderProcesses.StopAll(stream);
        }).MustBeWhole(dataset, options);
        // The second may be found after the epoch has ended with the first one's replacement.
        Assert.InRange(run.Events.Count(loaderEvent => loaderEvent.Kind == LoaderEventKind.WorkerStuck), 1, 2);
        Assert.Contains(run.Events, loaderEvent => loaderEvent.Message.Contains("stopped", StringComparison.Ordinal));
        Assert.Empty(LoaderProcesses.Alive());
    }

    [Fact]
    public void A_slow_sample_that_stays_within_the_timeout_is_awaited()
    {
        LoaderOptions options = With(WorkerKind.Thread, null) with { Faults = FaultPlan.Parse("stall@17!") with { StallSeconds = 0.5 } };
        LoaderRun run = LoaderRun.Of(Dataset, options).MustBeWhole(Dataset, options);
        Assert.Empty(run.Ledger.Entries);
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void Missing_truncated_and_damaged_files_stand_in_the_ledger_with_their_reason(WorkerKind kind)
    {
        using TemporaryFolder folder = new();
        for (int image = 0; image < 40; image++)
            folder.Write($"{image:00}.png", Fixture.Bytes("rgb.png"));
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = folder.Path, CropSize = 16 });
        folder.Write("07.png", Fixture.Bytes("rgb.png")[..60]);
        folder.Write("11.png", "no image"u8.ToArray());
        LoaderOptions options = Options with { WorkerKind = kind, OnBadSample = BadSamplePolicy.Skip, MaxSkipped = 5 };
        using PrefetchLoader loader = new(dataset, options);
        using EpochStream stream = loader.Open(0);
        List<int> indices = [];
        File.Delete(folder.At("23.png"));
        while (stream.MoveNext())
        {
            using IBatch batch = stream.Current;
            indices.AddRange(batch.SampleIndices);
        }

        Dictionary<int, string> skipped = stream.Ledger.Entries.Where(entry => entry.Action == LedgerAction.Skipped).ToDictionary(entry => entry.SampleIndex, entry => entry.Reason);
        Assert.Contains("truncated", skipped[7], StringComparison.Ordinal);
        Assert.Contains("is not an image", skipped[11], StringComparison.Ordinal);
        // The consumer may have been quicker than the deletion.
        if (skipped.TryGetValue(23, out string? missing))
            Assert.Contains("does not exist", missing, StringComparison.Ordinal);
        Assert.Equal(40, indices.Count + skipped.Count);
    }

    [LinuxTheory("It needs programs and paths of Unix.")]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void The_longest_path_of_a_bad_image_arrives_whole(WorkerKind kind)
    {
        using TemporaryFolder folder = new();
        string name = string.Join('/', Enumerable.Repeat(new string('ü', 120), 15)) + "/bad.png";
        string bad = folder.Write(name, "no image"u8.ToArray());
        Assert.True(System.Text.Encoding.UTF8.GetByteCount(bad) > 3600);
        using ImageFolderDataset dataset = new(new ImageFolderOptions { Path = folder.Path, CropSize = 16 });
        using PrefetchLoader loader = new(dataset, With(kind, null) with { BatchSize = 1 });
        using EpochStream stream = loader.Open(0);
        SampleException failure = Assert.Throws<SampleException>(() => stream.MoveNext());
        Assert.Equal(bad, failure.Path);
        Assert.Equal($"The file '{bad}' is not an image: it begins like neither PNG, JPEG nor BMP.", failure.Message);
    }

    [Theory]
    [InlineData(WorkerKind.Thread)]
    [InlineData(WorkerKind.Process)]
    public void Workers_that_leave_a_stopped_ring_are_not_taken_for_dead(WorkerKind kind)
    {
        LoaderSession? session = null;
        List<LoaderEventKind> kinds = [];
        int left = 0;
        LoaderOptions options = With(kind, null) with { Observer = Observe };
        using (session = new LoaderSession(Dataset, options, new SlotLayout(Dataset.Fields, options.BatchSize), 4, 4))
        {
            session.Monitor!.Start();
            SpinWait.SpinUntil(() => Volatile.Read(ref left) > 0, Patience);
        }

        Assert.Equal(4, left);
        Assert.DoesNotContain(LoaderEventKind.WorkerDied, kinds);

        // The monitor says this in the midst of a look at all slots; before it looks at the last one, everybody has left.
        void Observe(LoaderEvent loaderEvent)
        {
            kinds.Add(loaderEvent.Kind);
            IReadOnlyList<WorkerSlot> slots = session!.Pool.Slots;
            if (loaderEvent.Kind != LoaderEventKind.WorkerReady || loaderEvent.Worker == slots[^1].Name || session.Ring.HasStopped)
                return;
            session.Ring.Stop();
            Volatile.Write(ref left, slots.Count(slot => slot.Worker!.Join(Patience) && slot.Worker.Exit is not null));
        }
    }

    [Fact]
    public void Two_streams_with_processes_at_once_share_nothing()
    {
        using PrefetchLoader loader = new(Dataset, With(WorkerKind.Process, null));
        using EpochStream one = loader.Open(0);
        using EpochStream two = loader.Open(1);
        List<int> first = [];
        List<int> second = [];
        while (one.MoveNext() | two.MoveNext())
        {
            using IBatch a = one.Current;
            using IBatch b = two.Current;
            first.AddRange(a.SampleIndices);
            second.AddRange(b.SampleIndices);
        }

        Assert.Equal(LoaderRun.Of(Dataset, Options with { NumWorkers = 0 }, 0).Indices, first);
        Assert.Equal(LoaderRun.Of(Dataset, Options with { NumWorkers = 0 }, 1).Indices, second);
    }

    [Fact]
    public void Process_workers_need_a_data_set_that_can_be_described()
    {
        using BlockedDataset dataset = new(3);
        Assert.Contains("use threads", Assert.Throws<LoaderException>(() => new PrefetchLoader(dataset, Options with { WorkerKind = WorkerKind.Process })).Message, StringComparison.Ordinal);
    }

    private static LoaderOptions With(WorkerKind kind, string? faults)
    {
        // Long enough to be found on a loaded machine before it is over; but a thread that loops takes a core as long as it does.
        bool isCostly = kind == WorkerKind.Thread && faults?.Contains("loop", StringComparison.Ordinal) == true;
        return Options with { WorkerKind = kind, Faults = faults is null ? null : FaultPlan.Parse(faults) with { StallSeconds = isCostly ? 15 : 30 } };
    }

    /// <summary>How many stalls it takes until one worker is not replaced any more: threads have so many cells, processes twice max_errors of 1 and 2.</summary>
    private static int Stalls(WorkerKind kind) => kind == WorkerKind.Thread ? 17 : 4;

    /// <summary>The epoch's first samples stall once each, the last of them with the last worker.</summary>
    private static LoaderOptions StallingUntilFallback(WorkerKind kind, string every)
    {
        List<int> order = Undisturbed().Indices[..Stalls(kind)];
        string faults = string.Join(',', order.Select(index => $"stall@{index}"));
        return Options with
        {
            WorkerKind = kind,
            NumWorkers = 1,
            MaxErrors = kind == WorkerKind.Thread ? 50 : 1,
            OnBadSample = BadSamplePolicy.Skip,
            Timeout = TimeSpan.FromMilliseconds(200),
            StackTimeout = TimeSpan.FromMilliseconds(1),
            Faults = FaultPlan.Parse(faults + every) with { StallSeconds = 15 },
        };
    }

    private static LoaderRun Undisturbed() => LoaderRun.Of(Dataset, Options with { NumWorkers = 0 });
}
