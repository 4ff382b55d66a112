using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

[Collection(LoaderCollection.Name)]
public sealed class EpochPlanTests
{
    [Property(MaxTest = 300)]
    public Property The_union_of_all_ranks_is_the_epoch_whatever_the_world_size() => Prop.ForAll(
        Gen.Choose(1, 60).ToArbitrary(),
        Gen.Choose(1, 5).ToArbitrary(),
        Gen.Choose(1, 7).ToArbitrary(),
        (count, world, batchSize) =>
        {
            foreach (int enlarge in new[] { 1, 3 })
            {
                List<(int, int)> all = [];
                for (int rank = 0; rank < world; rank++)
                    all.AddRange(Samples(new EpochPlan(count, Options(batchSize) with { Rank = rank, WorldSize = world, EnlargeRatio = enlarge }, 5)));
                List<(int, int)> alone = Samples(new EpochPlan(count, Options(batchSize) with { EnlargeRatio = enlarge }, 5));
                Assert.Equal(alone.Order(), all.Order());
                Assert.Equal(alone, Enumerable.Range(0, world).SelectMany(rank =>
                    Samples(new EpochPlan(count, Options(batchSize) with { Rank = rank, WorldSize = world, EnlargeRatio = enlarge, RankShare = RankShare.Batches }, 5))));
                Assert.Equal(count * enlarge, all.Distinct().Count());
            }
        });

    [Property(MaxTest = 200)]
    public Property The_parts_of_the_ranks_one_behind_the_other_are_the_batch_for_every_world_size() => Prop.ForAll(
        Gen.Choose(1, 100).ToArbitrary(),
        count =>
        {
            EpochPlan alone = new(count, Options(12), 2);
            foreach (int world in new[] { 2, 3, 4, 5 })
            {
                EpochPlan[] ranks = [.. Enumerable.Range(0, world).Select(rank => new EpochPlan(count, Options(12) with { Rank = rank, WorldSize = world }, 2))];
                Assert.All(ranks, rank => Assert.Equal(alone.BatchCount, rank.BatchCount));
                for (int batch = 0; batch < alone.BatchCount; batch++)
                {
                    Assert.Equal(Samples(alone, batch), ranks.SelectMany(rank => Samples(rank, batch)));
                    Assert.All(ranks, rank => Assert.Equal(alone.CountOf(batch) * rank.Rank / world, rank.FirstOf(batch)));
                }
            }
        });

    [Property(MaxTest = 200)]
    public Property Ranks_that_drop_or_fill_the_last_batch_share_one_sequence_whatever_the_world_size() => Prop.ForAll(
        Gen.Choose(1, 80).ToArbitrary(),
        Gen.Choose(1, 5).ToArbitrary(),
        Gen.Choose(1, 6).ToArbitrary(),
        (count, world, batchSize) =>
        {
            foreach (int enlarge in new[] { 1, 2 })
            {
                List<(int, int)> sequence = Samples(new EpochPlan(count, Options(1) with { EnlargeRatio = enlarge }, 4));
                int whole = sequence.Count / batchSize * batchSize;
                Assert.Equal(sequence[..whole].Order(), Union(LastBatch.Drop).Order());

                // Filled up, everything is there once, and the rest is the epoch's beginning over again.
                int filled = (sequence.Count + batchSize - 1) / batchSize * batchSize;
                Assert.Equal(Enumerable.Range(0, filled).Select(place => sequence[place % sequence.Count]).Order(), Union(LastBatch.Fill).Order());

                List<(int, int)> Union(LastBatch mode) => [.. Enumerable.Range(0, world).SelectMany(rank =>
                    Samples(new EpochPlan(count, Options(batchSize) with { EnlargeRatio = enlarge, LastBatch = mode, Rank = rank, WorldSize = world }, 4)))];
            }
        });

    [Property(MaxTest = 12)]
    public Property Loaders_of_all_ranks_deliver_the_plan_whatever_their_workers() => Prop.ForAll(
        Gen.Choose(1, 60).ToArbitrary(),
        Gen.Choose(1, 4).ToArbitrary(),
        Gen.Choose(0, 3).ToArbitrary(),
        (count, world, workers) =>
        {
            List<int> delivered = [];
            for (int rank = 0; rank < world; rank++)
            {
                using PrefetchLoader loader = new(new IntegersDataset(count), Options(4) with { EnlargeRatio = 2, Rank = rank, WorldSize = world, NumWorkers = workers });
                foreach (IBatch batch in loader.ReadEpoch(3))
                {
                    using (batch)
                        delivered.AddRange(batch.SampleIndices);
                }
            }

            Assert.Equal(Enumerable.Range(0, count).SelectMany(index => (int[])[index, index]), delivered.Order());
        });

    [Theory]
    [InlineData(LastBatch.Keep, 3, new[] { 4, 4, 2 })]
    [InlineData(LastBatch.Drop, 2, new[] { 4, 4 })]
    [InlineData(LastBatch.Fill, 3, new[] { 4, 4, 4 })]
    public void The_last_batch_is_kept_dropped_or_filled(LastBatch mode, int batches, int[] counts)
    {
        EpochPlan plan = new(10, Options(4) with { LastBatch = mode }, 0);
        Assert.Equal(batches, plan.BatchCount);
        Assert.Equal(counts, Enumerable.Range(0, batches).Select(plan.CountOf));
        if (mode == LastBatch.Fill)
            Assert.Equal(Samples(plan, 0)[..2], Samples(plan, 2)[2..]);
    }

    [Fact]
    public void A_filled_epoch_gives_every_rank_the_same_batches()
    {
        for (int rank = 0; rank < 3; rank++)
        {
            EpochPlan plan = new(10, Options(6) with { LastBatch = LastBatch.Fill, Rank = rank, WorldSize = 3 }, 0);
            Assert.Equal(2, plan.BatchCount);
            Assert.Equal(2, plan.CountOf(1));
        }
    }

    [Fact]
    public void Copies_of_a_sample_in_an_enlarged_epoch_have_randomness_of_their_own()
    {
        List<(int Index, int Epoch)> first = Samples(new EpochPlan(6, Options(4) with { EnlargeRatio = 2 }, 0));
        List<(int Index, int Epoch)> second = Samples(new EpochPlan(6, Options(4) with { EnlargeRatio = 2 }, 1));
        Assert.Equal(12, first.Distinct().Count());
        Assert.Equal(24, first.Concat(second).Distinct().Count());
        Assert.All(first.CountBy(sample => sample.Index), count => Assert.Equal(2, count.Value));
    }

    [Fact]
    public void Without_shuffling_the_order_is_the_data_sets() =>
        Assert.Equal(Enumerable.Range(0, 7), Samples(new EpochPlan(7, new LoaderOptions { BatchSize = 3 }, 9)).Select(sample => sample.Index));

    private static LoaderOptions Options(int batchSize) => new() { BatchSize = batchSize, Shuffle = true, Seed = 3 };

    private static List<(int Index, int Epoch)> Samples(EpochPlan plan) =>
        [.. Enumerable.Range(0, plan.BatchCount).SelectMany(batch => Samples(plan, batch))];

    private static List<(int Index, int Epoch)> Samples(EpochPlan plan, int batch) =>
        [.. Enumerable.Range(0, plan.CountOf(batch)).Select(position => plan[batch, position])];
}
