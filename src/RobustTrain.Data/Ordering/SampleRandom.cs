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
