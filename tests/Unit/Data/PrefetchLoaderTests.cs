using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Ledger;

namespace RobustTrain.Tests.Data;

[Collection(LoaderCollection.Name)]
public sealed class PrefetchLoaderTests
{
    private static readonly LoaderOptions Options = new() { BatchSize = 8, Shuffle = true, Seed = 5 };

    [Property(MaxTest = 60)]
    public Property The_stream_is_the_same_for_any_number_of_workers_and_any_queue() => Prop.ForAll(
        Gen.Choose(0, 5).ToArbitrary(),
        Gen.Choose(1, 4).ToArbitrary(),
        Gen.Choose(1, 300).ToArbitrary(),
        (workers, queue, count) =>
        {
            IntegersDataset dataset = new(count);
            LoaderOptions options = Options with { NumWorkers = workers, PrefetchQueueLength = queue };
            LoaderRun run = LoaderRun.Of(dataset, options).MustBeWhole(dataset, options);
            LoaderRun alone = LoaderRun.Of(dataset, Options with { NumWorkers = 0 });
            Assert.Equal(alone.Ledger.Digest, run.Ledger.Digest);
        });

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_stream_may_begin_at_any_batch_and_goes_on_with_the_ledger(int workers)
    {
        IntegersDataset dataset = new(203);
        LoaderOptions options = Options with { NumWorkers = workers };
        LoaderRun whole = LoaderRun.Of(dataset, options);
        using PrefetchLoader loader = new(dataset, options);
        for (int cut = 0; cut <= loader.BatchCount; cut += 5)
        {
            List<int> indices = [];
            EpochLedger former;
            using (EpochStream first = loader.Open(0))
            {
                for (int batch = 0; batch < cut; batch++)
                    Take(first, indices);
                former = first.Ledger;
            }

            using EpochStream second = loader.Open(0, cut, former);
            while (second.MoveNext())
            {
                using IBatch batch = second.Current;
                indices.AddRange(batch.SampleIndices);
            }

            Assert.Equal(whole.Indices, indices);
            Assert.Equal(whole.Ledger.Digest, second.Ledger.Digest);
            Assert.Equal(whole.Ledger.Delivered, second.Ledger.Delivered);
        }

        static void Take(EpochStream stream, List<int> indices)
        {
            Assert.True(stream.MoveNext());
            using IBatch batch = stream.Current;
            indices.AddRange(batch.SampleIndices);
        }
    }

    [Fact]
    public void Epochs_have_orders_of_their_own_and_repeat()
    {
        IntegersDataset dataset = new(100);
        using PrefetchLoader loader = new(dataset, Options);
        List<LoaderEvent> events = [];
        LoaderRun first = LoaderRun.Of(loader, events, 0);
        LoaderRun second = LoaderRun.Of(loader, events, 1);
        Assert.NotEqual(first.Indices, second.Indices);
        Assert.Equal(first.Indices, LoaderRun.Of(loader, events, 0).Indices);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_streams_of_one_loader_at_once_share_nothing(bool persistent)
    {
        IntegersDataset dataset = new(400);
        LoaderOptions options = Options with { PersistentWorkers = persistent };
        for (int turn = 0; turn < 20; turn++)
        {
            using PrefetchLoader loader = new(dataset, options);
            List<int> first = [];
            List<int> second = [];
            using EpochStream one = loader.Open(turn);
            using EpochStream two = loader.Open(turn + 1);
            bool more = true;
            while (more)
            {
                more = Take(one, first);
                more |= Take(two, second);
                more |= Take(two, second);
            }

            Assert.Equal(LoaderRun.Of(dataset, options with { NumWorkers = 0 }, turn).Indices, first);
            Assert.Equal(LoaderRun.Of(dataset, options with { NumWorkers = 0 }, turn + 1).Indices, second);
        }

        static bool Take(EpochStream stream, List<int> indices)
        {
            if (!stream.MoveNext())
                return false;
            using IBatch batch = stream.Current;
            indices.AddRange(batch.SampleIndices);
            return true;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void A_consumer_may_leave_in_mid_epoch_and_come_back(int workers)
    {
        IntegersDataset dataset = new(1000);
        LoaderOptions options = Options with { NumWorkers = workers };
        using PrefetchLoader loader = new(dataset, options);
        for (int leave = 0; leave < 30; leave++)
        {
            int taken = 0;
            foreach (IBatch batch in loader.ReadEpoch(leave))
            {
                batch.Dispose();
                if (taken++ == leave)
                    break;
            }
        }

        LoaderRun.Of(loader, [], 3).MustBeWhole(dataset, options, 3);
    }

    [Fact]
    public void A_batch_stays_whole_while_it_is_held_even_after_the_loader_is_gone()
    {
        IntegersDataset dataset = new(1000);
        PrefetchLoader loader = new(dataset, Options);
        EpochStream stream = loader.Open(0);
        Assert.True(stream.MoveNext());
        IBatch held = stream.Current;
        long[] expected = [.. held.SampleIndices.Select(index => (long)index)];
        for (int turn = 0; turn < 50; turn++)
        {
            Assert.True(stream.MoveNext());
            stream.Current.Dispose();
        }

        Assert.Equal(expected, Values(held));
        stream.Dispose();
        loader.Dispose();
        Assert.Equal(expected, Values(held));
        held.Dispose();
        Assert.Throws<ObjectDisposedException>(() => held["value"]);
    }

    [Fact]
    public void Holding_every_batch_is_an_error_and_not_a_hang()
    {
        using PrefetchLoader loader = new(new IntegersDataset(1000), Options with { PrefetchQueueLength = 2 });
        using EpochStream stream = loader.Open(0);
        List<IBatch> held = [];
        for (int batch = 0; batch < 3; batch++)
        {
            Assert.True(stream.MoveNext());
            held.Add(stream.Current);
        }

        Assert.Contains("3 slots", Assert.Throws<InvalidOperationException>(() => stream.MoveNext()).Message, StringComparison.Ordinal);
        held[0].Dispose();
        Assert.True(stream.MoveNext());
        stream.Current.Dispose();
        held.ForEach(batch => batch.Dispose());
    }

    [Fact]
    public void Cancelling_wakes_a_consumer_that_waits()
    {
        using BlockedDataset dataset = new(100);
        using PrefetchLoader loader = new(dataset, Options);
        using CancellationTokenSource stopping = new();
        using EpochStream stream = loader.Open(0, stopping: stopping.Token);
        dataset.Entered.Wait();
        Task waiting = Task.Run(() => stream.MoveNext());
        stopping.Cancel();
        Assert.Throws<OperationCanceledException>(() => waiting.GetAwaiter().GetResult());
        dataset.Open.Set();
    }

    [Fact]
    public void Disposing_the_loader_ends_a_stream_that_waits()
    {
        using BlockedDataset dataset = new(100);
        PrefetchLoader loader = new(dataset, Options);
        EpochStream stream = loader.Open(0);
        dataset.Entered.Wait();
        Task waiting = Task.Run(() => stream.MoveNext());
        loader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => waiting.GetAwaiter().GetResult());
        stream.Dispose();
        dataset.Open.Set();
    }

    [Fact]
    public void A_field_that_is_not_there_is_named_with_those_that_are()
    {
        using PrefetchLoader loader = new(new IntegersDataset(8), Options);
        using EpochStream stream = loader.Open(0);
        stream.MoveNext();
        using IBatch batch = stream.Current;
        string message = Assert.Throws<KeyNotFoundException>(() => batch["image1"]).Message;
        Assert.Contains("'image1'", message, StringComparison.Ordinal);
        Assert.Contains("'value'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_data_set_has_no_batches()
    {
        using PrefetchLoader loader = new(new IntegersDataset(0), Options);
        Assert.Equal(0, loader.BatchCount);
        Assert.Empty(loader.ReadEpoch(0));
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        IntegersDataset dataset = new(8);
        foreach (LoaderOptions bad in (LoaderOptions[])[
            Options with { BatchSize = 0 },
            Options with { NumWorkers = -1 },
            Options with { PrefetchQueueLength = 0 },
            Options with { EnlargeRatio = 0 },
            Options with { Rank = 1 },
            Options with { Timeout = TimeSpan.Zero },
            Options with { MaxErrors = 0 }])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new PrefetchLoader(dataset, bad));
        }
    }

    [Fact]
    public void A_ring_that_does_not_fit_into_memory_is_a_sentence()
    {
        using PrefetchLoader loader = new(new HugeDataset(), new LoaderOptions { BatchSize = 65536, PrefetchQueueLength = 1 });
        LoaderException error = Assert.Throws<LoaderException>(() => loader.Open(0));
        Assert.Contains("does not fit into memory", error.Message, StringComparison.Ordinal);
    }

    private static unsafe long[] Values(IBatch batch) =>
        new ReadOnlySpan<long>((void*)batch["value"].Address, batch.SampleIndices.Count).ToArray();

    private sealed class HugeDataset : IDataset
    {
        public int Count => 1;

        public IReadOnlyList<FieldSpec> Fields { get; } = [new FieldSpec("value", ElementType.UInt8, [int.MaxValue])];

        public string NameOf(int index) => "huge";

        public void Load(SampleKey key, SampleBuffer target) => throw new NotSupportedException();
    }
}
