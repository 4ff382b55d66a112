using System.Runtime.InteropServices;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed;

/// <summary>
/// Combines what all shards have to say at a batch normalisation, in the order of the tree of shards, so that all ranks get the same bits. Each
/// meeting is one message from each rank to all, of one length whatever it says: a rank whose shards have no samples learns from it where the others are.
/// </summary>
/// <param name="ranks">Who shares the shards.</param>
/// <param name="shards">How many there are, which the ranks divide.</param>
/// <param name="channels">The channels of each batch normalisation.</param>
internal sealed class StatisticsExchange(Ranks ranks, int shards, IReadOnlyList<int> channels)
{
    // What it is at the meeting, at which normalisation, forward or backward.
    private const int HeaderLength = 3;

    private readonly ShardTree _tree = new(shards);
    private readonly int _longest = 1 + (2 * channels.Max());

    // The parts of the tree that each rank adds up.
    private readonly IReadOnlyList<ShardRange>[] _nodes = new ShardTree(shards).NodesOfRanks(ranks.Size);

    /// <summary>Tells what this rank's shards have, and hears what all have together.</summary>
    /// <param name="turn">What this rank does at the meeting.</param>
    /// <param name="point">Where its shards wait, if they do.</param>
    /// <param name="own">
    /// For each of its shards: how many values it has for a channel, then two numbers for each channel: forward the mean and the sum of squared
    /// deviations from it, backward two sums. Null for a shard without samples.
    /// </param>
    /// <param name="step">The run's step.</param>
    /// <returns>The same of all shards; null where the meetings are over.</returns>
    /// <exception cref="RunException">Shards wait at different places (<c>NormalizationsOutOfStep</c>): so it is at all ranks.</exception>
    /// <exception cref="RankLostException">A rank was lost.</exception>
    public StatisticsAnswer? Meet(RankTurn turn, NormPoint point, IReadOnlyList<double[]?> own, long step)
    {
        double[] message = Write(turn, point, own);
        IReadOnlyList<byte[]> told = ranks.IsAlone
            ? [MemoryMarshal.AsBytes(message.AsSpan()).ToArray()]
            : ranks.GatherParts(MemoryMarshal.AsBytes(message.AsSpan()).ToArray(), [.. Enumerable.Range(0, ranks.Size).Select(BytesOf)], new CollectivePurpose("batch statistics", step));
        RankTurn[] turns = [.. told.Select(bytes => (RankTurn)Numbers(bytes)[0])];
        NormPoint[] points = [.. told.Where((_, rank) => turns[rank] == RankTurn.Waits).Select(bytes => new NormPoint((int)Numbers(bytes)[1], Numbers(bytes)[2] != 0)).Distinct()];
        if (turns.Contains(RankTurn.Leaves) || points.Length == 0)
            return null;
        if (points.Length > 1 || turns.Contains(RankTurn.IsDone))
            throw OutOfStep();
        return new StatisticsAnswer(points[0], Combine(points[0], told));
    }

    /// <summary>The exception of shards that don't come to the same normalisations in the same order.</summary>
    public static RunException OutOfStep() => new(
        ExitCode.Configuration, "NormalizationsOutOfStep",
        "The shards of a batch do not come to the network's batch normalisations in the same order, so that they can't have statistics in common; set trainer.synchronized_batch_norm to false.", "trainer.synchronized_batch_norm");

    private double[] Write(RankTurn turn, NormPoint point, IReadOnlyList<double[]?> own)
    {
        double[] message = new double[BytesOf(ranks.Rank) / sizeof(double)];
        (message[0], message[1], message[2]) = ((double)turn, point.Norm, point.IsBackward ? 1 : 0);
        if (turn != RankTurn.Waits)
            return message;
        int first = _tree.RangeOf(ranks.Rank, ranks.Size).Begin;
        int at = HeaderLength;
        foreach (ShardRange node in _nodes[ranks.Rank])
        {
            ShardTree.Sum(node, part => part.Count == 1 ? own[part.Begin - first] ?? new double[LengthAt(point)] : null, Adding(point)).CopyTo(message, at);
            at += _longest;
        }

        return message;
    }

    private double[] Combine(NormPoint point, IReadOnlyList<byte[]> told)
    {
        Dictionary<ShardRange, double[]> parts = [];
        for (int rank = 0; rank < told.Count; rank++)
        {
            int at = HeaderLength;
            foreach (ShardRange node in _nodes[rank])
            {
                parts.Add(node, Numbers(told[rank]).Slice(at, LengthAt(point)).ToArray());
                at += _longest;
            }
        }

        return _tree.Sum(node => parts.GetValueOrDefault(node), Adding(point));
    }

    private static Func<double[], double[], double[]> Adding(NormPoint point) => point.IsBackward ? Add : AddMoments;

    private static double[] Add(double[] left, double[] right) => [.. left.Zip(right, (one, other) => one + other)];

    // Chan, Golub and LeVeque, 1979: means and sums of squared deviations of two parts give those of both, without the loss of digits that sums of squares have.
    private static double[] AddMoments(double[] left, double[] right)
    {
        if (left[0] == 0 || right[0] == 0)
            return left[0] == 0 ? right : left;
        double[] both = new double[left.Length];
        int channels = left.Length / 2;
        double count = both[0] = left[0] + right[0];
        for (int mean = 1; mean <= channels; mean++)
        {
            double apart = right[mean] - left[mean];
            both[mean] = left[mean] + (apart * right[0] / count);
            both[mean + channels] = left[mean + channels] + right[mean + channels] + (apart * apart * left[0] * right[0] / count);
        }

        return both;
    }

    private static ReadOnlySpan<double> Numbers(byte[] bytes) => MemoryMarshal.Cast<byte, double>(bytes);

    private long BytesOf(int rank) => (HeaderLength + ((long)_nodes[rank].Count * _longest)) * sizeof(double);

    private int LengthAt(NormPoint point) => 1 + (2 * channels[point.Norm]);
}

/// <summary>What a rank does at a meeting of the shards.</summary>
internal enum RankTurn
{
    /// <summary>Its shards have no samples.</summary>
    IsIdle,

    /// <summary>Its shards wait at a batch normalisation.</summary>
    Waits,

    /// <summary>Its shards are computed.</summary>
    IsDone,

    /// <summary>It can't go on, and neither can the others.</summary>
    Leaves,
}

/// <summary>A place at which shards have to know what the others have.</summary>
/// <param name="Norm">The batch normalisation.</param>
/// <param name="IsBackward">Whether for its gradient.</param>
internal readonly record struct NormPoint(int Norm, bool IsBackward);

/// <summary>What all shards have together.</summary>
/// <param name="Point">Where.</param>
/// <param name="Sum">The number of values for a channel, and two numbers for each channel.</param>
internal sealed record StatisticsAnswer(NormPoint Point, double[] Sum);
