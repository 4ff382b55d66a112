namespace RobustTrain.Training.Distributed;

/// <summary>
/// The order in which what shards have is added up: a binary tree that halves the range of shards, always the same, so that a sum has the same bits
/// whichever rank adds which part of it.
/// </summary>
/// <param name="shards">How many shards there are.</param>
internal sealed class ShardTree(int shards)
{
    /// <summary>The shards of a rank.</summary>
    public ShardRange RangeOf(int rank, int ranks) => new(shards * rank / ranks, shards * (rank + 1) / ranks);

    /// <summary>The largest parts of the tree whose shards all are in a range, from left to right: what can be added up without the rest.</summary>
    public IReadOnlyList<ShardRange> NodesIn(ShardRange range)
    {
        List<ShardRange> nodes = [];
        Collect(new ShardRange(0, shards));
        return nodes;

        void Collect(ShardRange node)
        {
            if (node.End <= range.Begin || node.Begin >= range.End)
                return;
            if (node.Begin >= range.Begin && node.End <= range.End)
            {
                nodes.Add(node);
                return;
            }

            Collect(node.Left);
            Collect(node.Right);
        }
    }

    /// <summary>For each of some ranks the largest parts of the tree that it can add up by itself.</summary>
    public IReadOnlyList<ShardRange>[] NodesOfRanks(int ranks) => [.. Enumerable.Range(0, ranks).Select(rank => NodesIn(RangeOf(rank, ranks)))];

    /// <summary>The sum of all shards.</summary>
    /// <param name="known">What is known of a part of the tree; null where its halves have to be added up.</param>
    /// <param name="add">Adds the right to the left.</param>
    public T Sum<T>(Func<ShardRange, T?> known, Func<T, T, T> add)
        where T : class => Sum(new ShardRange(0, shards), known, add);

    /// <summary>The sum of a part of the tree.</summary>
    public static T Sum<T>(ShardRange node, Func<ShardRange, T?> known, Func<T, T, T> add)
        where T : class => known(node) ?? add(Sum(node.Left, known, add), Sum(node.Right, known, add));

    /// <summary>The sum of a number for each shard.</summary>
    public static double Sum(ReadOnlySpan<double> values) =>
        values.Length == 1 ? values[0] : Sum(values[..(values.Length / 2)]) + Sum(values[(values.Length / 2)..]);
}

/// <summary>Shards in a row.</summary>
/// <param name="Begin">The first.</param>
/// <param name="End">The one after the last.</param>
internal readonly record struct ShardRange(int Begin, int End)
{
    /// <summary>How many they are.</summary>
    public int Count => End - Begin;

    /// <summary>The first half, rounded down.</summary>
    public ShardRange Left => new(Begin, Begin + (Count / 2));

    /// <summary>The rest.</summary>
    public ShardRange Right => new(Begin + (Count / 2), End);
}
