namespace RobustTrain.Data.Ordering;

/// <summary>
/// The randomness of one sample: a stream of numbers that is a pure function of its <see cref="SampleKey"/> and a purpose,
/// so that it is the same whichever worker draws it, and however often.
/// </summary>
public struct SampleRandom
{
    private readonly uint _key0;
    private readonly uint _key1;
    private readonly uint _index;
    private readonly uint _epoch;
    private readonly uint _purpose;
    private PhiloxBlock _block;
    private uint _blockCount;
    private int _used = 4;

    /// <summary>Starts the stream of a sample.</summary>
    /// <param name="key">The sample.</param>
    /// <param name="purpose">Streams of different purposes are independent.</param>
    public SampleRandom(SampleKey key, uint purpose = 0)
    {
        _key0 = (uint)key.Seed;
        _key1 = (uint)(key.Seed >>> 32);
        _index = (uint)key.Index;
        _epoch = (uint)key.Epoch;
        _purpose = purpose;
    }

    /// <summary>32 random bits.</summary>
    public uint NextUInt32()
    {
        if (_used == 4)
        {
            _block = Philox.Block(_blockCount++, _index, _epoch, _purpose, _key0, _key1);
            _used = 0;
        }

        return _used++ switch { 0 => _block.Word0, 1 => _block.Word1, 2 => _block.Word2, _ => _block.Word3 };
    }

    /// <summary>64 random bits.</summary>
    public ulong NextUInt64() => ((ulong)NextUInt32() << 32) | NextUInt32();

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>True with the given probability.</summary>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>An integer in [0, <paramref name="bound"/>), without bias (Lemire, ACM TOMACS 29, 2019).</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        ulong product = (ulong)NextUInt32() * (uint)bound;
        if ((uint)product < (uint)bound)
        {
            uint threshold = (uint)-bound % (uint)bound;
            while ((uint)product < threshold)
                product = (ulong)NextUInt32() * (uint)bound;
        }

        return (int)(product >> 32);
    }

    /// <summary>An integer in [<paramref name="low"/>, <paramref name="high"/>), without bias.</summary>
    public int NextInt(int low, int high) => low + NextInt(high - low);

    /// <summary>A normal deviate of mean 0 and variance 1 (Box and Muller, 1958).</summary>
    public double NextNormal() =>
        Math.Sqrt(-2.0 * Math.Log(1.0 - NextDouble())) * Math.Cos(2.0 * Math.PI * NextDouble());
}

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
/// a block of 128 random bits is a pure function of a 128-bit counter and a 64-bit key.
/// </summary>
public static class Philox
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>The block of a counter under a key.</summary>
    public static PhiloxBlock Block(uint counter0, uint counter1, uint counter2, uint counter3, uint key0, uint key1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * counter0;
            ulong product1 = (ulong)Multiplier1 * counter2;
            counter0 = (uint)(product1 >> 32) ^ counter1 ^ key0;
            counter1 = (uint)product1;
            counter2 = (uint)(product0 >> 32) ^ counter3 ^ key1;
            counter3 = (uint)product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return new PhiloxBlock(counter0, counter1, counter2, counter3);
    }
}

/// <summary>128 random bits, as four words.</summary>
public readonly record struct PhiloxBlock(uint Word0, uint Word1, uint Word2, uint Word3);
