using System.Numerics;
using System.Runtime.CompilerServices;

namespace RobustTrain.Data.Ordering;

/// <summary>
/// Which sample stands where in an epoch, as arithmetic: any batch of any epoch is computed in constant time from (seed, epoch),
/// for every rank of every world size, so that a stream can begin anywhere and never depends on what came before.
/// </summary>
/// <remarks>
/// An epoch is a sequence of places, <c>count * enlargeRatio</c> of them, cut into batches. Of a batch of n samples rank r of R takes the positions
/// from r * n / R to (r + 1) * n / R, rounded down, so the ranks' parts one behind the other are the same batch for every world size. With
/// <see cref="RankShare.Batches"/> it takes whole batches, as many in a row.
/// </remarks>
public readonly struct EpochPlan
{
    private readonly int _datasetCount;
    private readonly int _enlargeRatio;
    private readonly bool _shuffle;
    private readonly EpochOrder _order;
    private readonly int _epoch;
    private readonly int _firstBatch;
    private readonly bool _cutsBatches;

    /// <summary>The plan of an epoch.</summary>
    /// <param name="datasetCount">The samples of the dataset.</param>
    /// <param name="options">Batch size, order, rank and last batch.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public EpochPlan(int datasetCount, LoaderOptions options, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        _datasetCount = datasetCount;
        _enlargeRatio = options.EnlargeRatio;
        _shuffle = options.Shuffle;
        _epoch = epoch;
        PlaceCount = checked(datasetCount * options.EnlargeRatio);
        _order = options.Shuffle ? new EpochOrder(PlaceCount, options.SeedOf(epoch), epoch) : default;
        BatchSize = options.BatchSize;
        Rank = options.Rank;
        WorldSize = options.WorldSize;
        LastBatch = options.LastBatch;
        int batches = LastBatch == LastBatch.Drop ? PlaceCount / BatchSize : (int)(((long)PlaceCount + BatchSize - 1) / BatchSize);
        _cutsBatches = WorldSize > 1 && options.RankShare == RankShare.Positions;
        _firstBatch = options.RankShare == RankShare.Batches ? PartOf(batches, Rank) : 0;
        BatchCount = options.RankShare == RankShare.Batches ? PartOf(batches, Rank + 1) - _firstBatch : batches;
    }

    /// <summary>The samples that an epoch goes through, over all ranks.</summary>
    public int PlaceCount { get; }

    /// <summary>Samples in a whole batch, over all ranks.</summary>
    public int BatchSize { get; }

    /// <summary>The rank that the plan is for.</summary>
    public int Rank { get; }

    /// <summary>The number of ranks that share the epoch.</summary>
    public int WorldSize { get; }

    /// <summary>What becomes of an incomplete last batch.</summary>
    public LastBatch LastBatch { get; }

    /// <summary>The batches of this rank: those of all ranks, unless each takes whole ones.</summary>
    public int BatchCount { get; }

    /// <summary>The number of samples of a batch, over all ranks that share it.</summary>
    public int WholeCountOf(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)batch, (uint)BatchCount, nameof(batch));
        return LastBatch == LastBatch.Fill ? BatchSize : (int)Math.Min(BatchSize, PlaceCount - ((long)(_firstBatch + batch) * BatchSize));
    }

    /// <summary>The number of samples of a batch of this rank; none where there are fewer than ranks.</summary>
    public int CountOf(int batch)
    {
        int whole = WholeCountOf(batch);
        return _cutsBatches ? PartOf(whole, Rank + 1) - PartOf(whole, Rank) : whole;
    }

    /// <summary>The position in the whole batch of the first sample that this rank has of it.</summary>
    public int FirstOf(int batch) => _cutsBatches ? PartOf(WholeCountOf(batch), Rank) : 0;

    /// <summary>
    /// The sample at a position of this rank's part of a batch: its index in the dataset, and the epoch that keys its randomness
    /// (the copies of a sample within an enlarged epoch have keys of their own).
    /// </summary>
    public (int Index, int Epoch) this[int batch, int position]
    {
        get
        {
            long place = ((long)(_firstBatch + batch) * BatchSize) + FirstOf(batch) + position;
            int ordered = (int)(place % PlaceCount);
            if (_shuffle)
                ordered = _order[ordered];
            int copy = ordered / _datasetCount;
            return (ordered - (copy * _datasetCount), unchecked((_epoch * _enlargeRatio) + copy));
        }
    }

    // Where the part of a rank begins.
    private int PartOf(int count, int rank) => (int)((long)count * rank / WorldSize);
}

/// <summary>
/// A permutation of 0 .. count - 1 that is a pure function of (seed, epoch) and gives any place of it in constant time and memory:
/// a Feistel network on the next power of two, walked along its cycle until it comes back into the range
/// (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002).
/// </summary>
public readonly struct EpochOrder
{
    private const int Rounds = 8;

    // A network on very few bits has too few round functions to be even; a small range walks a larger domain instead.
    private const int LeastBits = 6;

    // Keeps these keys apart from the samples' streams under the same seed.
    private const uint Purpose = 0x4F524452;

    private readonly uint _count;
    private readonly int _lowBits;
    private readonly uint _lowMask;
    private readonly uint _highMask;
    private readonly RoundKeys _keys;

    /// <summary>The order of an epoch.</summary>
    /// <param name="count">The number of places, at least 0.</param>
    /// <param name="seed">The seed of the data stream.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public EpochOrder(int count, long seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _count = (uint)count;
        int bits = Math.Max(LeastBits, 32 - BitOperations.LeadingZeroCount((uint)Math.Max(count - 1, 0)));
        _lowBits = bits / 2;
        _lowMask = (1u << _lowBits) - 1;
        _highMask = (1u << (bits - _lowBits)) - 1;
        RoundKeys keys = default;
        for (int round = 0; round < Rounds; round += 2)
        {
            PhiloxBlock block = Philox.Block((uint)round, 0, (uint)epoch, Purpose, (uint)seed, (uint)(seed >>> 32));
            keys[round] = ((ulong)block.Word0 << 32) | block.Word1;
            keys[round + 1] = ((ulong)block.Word2 << 32) | block.Word3;
        }

        _keys = keys;
    }

    /// <summary>What stands at a place.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public int this[int place]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)place, _count, nameof(place));
            uint value = (uint)place;
            do
                value = Permute(value);
            while (value >= _count);
            return (int)value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Mix(uint half, ulong key)
    {
        ulong mixed = (half ^ key) * 0xFF51AFD7ED558CCD;
        mixed = (mixed ^ (mixed >> 32)) * 0xC4CEB9FE1A85EC53;
        return (uint)(mixed >> 32);
    }

    private uint Permute(uint value)
    {
        uint high = value >> _lowBits;
        uint low = value & _lowMask;
        for (int round = 0; round < Rounds; round += 2)
        {
            low ^= Mix(high, _keys[round]) & _lowMask;
            high ^= Mix(low, _keys[round + 1]) & _highMask;
        }

        return (high << _lowBits) | low;
    }

    private unsafe struct RoundKeys
    {
        private fixed ulong _keys[Rounds];

        public ulong this[int round]
        {
            readonly get => _keys[round];
            set => _keys[round] = value;
        }
    }
}
