using RobustTrain.Training.Distributed;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training.Distributed;

[Collection(TorchCollection.Name)]
public sealed class ShardSumTests
{
    [Fact]
    public void The_parts_that_ranks_can_add_up_alone_make_the_tree_of_all()
    {
        for (int shards = 1; shards <= 24; shards++)
        {
            ShardTree tree = new(shards);
            string expected = tree.Sum(Leaf, Add);
            foreach (int ranks in Enumerable.Range(1, shards).Where(count => shards % count == 0))
            {
                ShardRange[] nodes = [.. Enumerable.Range(0, ranks).SelectMany(rank => tree.NodesIn(tree.RangeOf(rank, ranks)))];
                Dictionary<ShardRange, string> parts = nodes.ToDictionary(node => node, node => ShardTree.Sum(node, Leaf, Add));
                Assert.Equal(expected, tree.Sum(node => parts.GetValueOrDefault(node), Add));
                Assert.Equal(Enumerable.Range(0, shards), nodes.SelectMany(node => Enumerable.Range(node.Begin, node.Count)));
            }
        }

        static string? Leaf(ShardRange node) => node.Count == 1 ? $"{node.Begin}" : null;

        static string Add(string left, string right) => $"({left}+{right})";
    }

    [Fact]
    public void A_number_for_each_shard_is_added_up_as_the_tree_says()
    {
        double[] values = [1e16, 1, -1e16, 3, 5, 1e-3];
        Assert.Equal((values[0] + (values[1] + values[2])) + (values[3] + (values[4] + values[5])), ShardTree.Sum(values));
    }

    // More buckets than are on their way at once, the last one small.
    [Theory]
    [InlineData(4, 1, 2, 4)]
    [InlineData(6, 1, 2, 3, 6)]
    public void Vectors_of_several_buckets_have_one_sum_on_all_numbers_of_ranks(int shards, params int[] sizes)
    {
        const int length = 6007;
        byte[][] sums = [.. sizes.SelectMany(size => new ThreadRanks(size).Run(communicator => SumOf(new Ranks(communicator), shards, length)))];
        Assert.All(sums, sum => Assert.True(sum.AsSpan().SequenceEqual(sums[0])));
    }

    private static byte[] SumOf(Ranks ranks, int shards, int length)
    {
        using var scope = NewDisposeScope();
        using ShardSum sum = new(ranks, shards, length, CPU, bucket: 1000);
        for (int shard = sum.Own.Begin; shard < sum.Own.End; shard++)
        {
            using Generator generator = new((ulong)shard);
            sum[shard].uniform_(-1, 1, generator);
        }

        return sum.Combine(step: 3).bytes.ToArray();
    }
}
