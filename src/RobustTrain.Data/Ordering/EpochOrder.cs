using System.Numerics;
using System.Runtime.CompilerServices;

namespace RobustTrain.Data.Ordering;

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

    /// <summary>The number of places.</summary>
    public int Count => (int)_count;

    /// <summary>What stands at a place.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="place"/> is not below <see cref="Count"/>.</exception>
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
