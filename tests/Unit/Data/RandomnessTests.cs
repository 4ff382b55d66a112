using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

public sealed class RandomnessTests
{
    // Known answers of Random123, kat_vectors: philox4x32, 10 rounds.
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_the_published_vectors(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint w0, uint w1, uint w2, uint w3) =>
        Assert.Equal(new PhiloxBlock(w0, w1, w2, w3), Philox.Block(c0, c1, c2, c3, k0, k1));

    [Property]
    public void The_same_key_gives_the_same_numbers_and_any_other_key_gives_others(long seed, NonNegativeInt epoch, NonNegativeInt index)
    {
        SampleKey key = new(seed, epoch.Get, index.Get);
        ulong[] first = Draw(key);
        Assert.Equal(first, Draw(key));
        Assert.NotEqual(first, Draw(key with { Epoch = epoch.Get + 1 }));
        Assert.NotEqual(first, Draw(key with { Index = index.Get + 1 }));
        Assert.NotEqual(first, Draw(key with { Seed = seed ^ (1L << 40) }));
        Assert.NotEqual(first, Draw(key, purpose: 1));
    }

    [Fact]
    public void Integers_below_a_bound_are_even()
    {
        int[] counts = new int[7];
        SampleRandom random = new(new SampleKey(1, 0, 0));
        const int draws = 70_000;
        for (int draw = 0; draw < draws; draw++)
            counts[random.NextInt(7)]++;
        // 6 degrees of freedom: above 33 once in 100,000.
        Assert.True(ChiSquare(counts, draws / 7.0) < 33);
    }

    [Fact]
    public void Normal_deviates_have_mean_0_and_variance_1()
    {
        SampleRandom random = new(new SampleKey(2, 0, 0));
        double sum = 0;
        double squares = 0;
        const int draws = 100_000;
        for (int draw = 0; draw < draws; draw++)
        {
            double value = random.NextNormal();
            sum += value;
            squares += value * value;
        }

        Assert.InRange(sum / draws, -0.02, 0.02);
        Assert.InRange(squares / draws, 0.97, 1.03);
    }

    [Fact]
    public void A_bound_below_1_is_refused()
    {
        SampleRandom random = new(new SampleKey(0, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
    }

    [Property(MaxTest = 300)]
    public Property The_order_of_an_epoch_is_a_permutation(long seed, NonNegativeInt epoch) => Prop.ForAll(
        Gen.Choose(0, 5000).ToArbitrary(),
        count =>
        {
            EpochOrder order = new(count, seed, epoch.Get);
            bool[] seen = new bool[count];
            for (int place = 0; place < count; place++)
                seen[order[place]] = true;
            return Array.TrueForAll(seen, there => there);
        });

    [Fact]
    public void Every_order_of_few_samples_is_as_likely_as_any_other()
    {
        Dictionary<string, int> counts = [];
        const int epochs = 24_000;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            EpochOrder order = new(4, 7, epoch);
            string text = $"{order[0]}{order[1]}{order[2]}{order[3]}";
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }

        Assert.Equal(24, counts.Count);
        // 23 degrees of freedom: above 68 once in 400,000.
        Assert.True(ChiSquare([.. counts.Values], epochs / 24.0) < 68);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(64)]
    [InlineData(65)]
    public void Every_sample_is_as_likely_as_any_other_at_every_place(int count)
    {
        int[,] counts = new int[count, count];
        const int epochs = 6000;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            EpochOrder order = new(count, 3, epoch);
            for (int place = 0; place < count; place++)
                counts[place, order[place]]++;
        }

        int[] cells = [.. counts.Cast<int>()];
        double freedom = (count - 1) * (count - 1);
        // The chi-square statistic has mean f and variance 2 f.
        Assert.InRange(ChiSquare(cells, (double)epochs / count), freedom - (5 * Math.Sqrt(2 * freedom)), freedom + (5 * Math.Sqrt(2 * freedom)));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(3744)]
    [InlineData(100_000)]
    public void A_large_order_looks_like_chance(int count)
    {
        // Of a random permutation: one fixed point on average, one neighbour kept on average, no correlation with the place.
        double fixedPoints = 0;
        double neighbours = 0;
        double correlation = 0;
        int epochs = Math.Max(4, 400_000 / count);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            EpochOrder order = new(count, 11, epoch);
            double product = 0;
            int previous = -2;
            for (int place = 0; place < count; place++)
            {
                int value = order[place];
                fixedPoints += value == place ? 1 : 0;
                neighbours += value == previous + 1 ? 1 : 0;
                product += (value - ((count - 1) / 2.0)) * (place - ((count - 1) / 2.0));
                previous = value;
            }

            correlation += product / (count * (((double)count * count) - 1) / 12);
        }

        double deviation = 5 / Math.Sqrt(epochs);
        Assert.InRange(fixedPoints / epochs, Math.Max(0, 1 - deviation), 1 + deviation);
        Assert.InRange(neighbours / epochs, Math.Max(0, 1 - deviation), 1 + deviation);
        Assert.InRange(correlation / epochs, -5 / Math.Sqrt((double)epochs * count), 5 / Math.Sqrt((double)epochs * count));
    }

    [Fact]
    public void A_place_beyond_the_order_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new EpochOrder(3, 0, 0)[3]);

    private static ulong[] Draw(SampleKey key, uint purpose = 0)
    {
        SampleRandom random = new(key, purpose);
        return [random.NextUInt64(), random.NextUInt64(), random.NextUInt64()];
    }

    private static double ChiSquare(int[] counts, double expected) => counts.Sum(count => (count - expected) * (count - expected) / expected);
}
