using RobustTrain.Training.Loop;

namespace RobustTrain.Tests.Training;

public sealed class SeedDerivationTests
{
    // python3 -c "import hashlib;print(int.from_bytes(hashlib.sha256(b'robusttrain/data/42/0').digest()[:8],'little') & (2**63-1))"
    [Theory]
    [InlineData(42, SeedDerivation.Data, 0, 7098903695725285532)]
    [InlineData(42, SeedDerivation.Step, 1000, 3441799141495649830)]
    [InlineData(long.MaxValue, SeedDerivation.Weights, 0, 9067231709360249211)]
    public void A_seed_is_what_the_documented_derivation_says(long seed, string purpose, long index, long expected) =>
        Assert.Equal(expected, SeedDerivation.Derive(seed, purpose, index));
}
