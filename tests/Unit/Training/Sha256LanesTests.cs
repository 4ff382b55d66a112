using System.Security.Cryptography;
using FsCheck.Xunit;
using RobustTrain.Training.Checkpoints.Digests;

namespace RobustTrain.Tests.Training;

public sealed class Sha256LanesTests
{
    [Property(MaxTest = 100)]
    public void Each_lane_has_the_digest_of_its_message(int seed, byte blocks)
    {
        if (!Sha256Lanes.IsSupported)
            return;
        int length = 64 * (blocks % 40);
        byte[] messages = new byte[Sha256Lanes.Count * length];
        new Random(seed).NextBytes(messages);
        byte[] digests = new byte[Sha256Lanes.Count * SHA256.HashSizeInBytes];
        Sha256Lanes.Hash(messages, digests);

        for (int lane = 0; lane < Sha256Lanes.Count; lane++)
            Assert.Equal(SHA256.HashData(messages.AsSpan(lane * length, length)), digests[(lane * SHA256.HashSizeInBytes)..][..SHA256.HashSizeInBytes]);
    }

    [Fact]
    public void Messages_that_are_no_whole_blocks_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Sha256Lanes.Hash(new byte[Sha256Lanes.Count * 65], new byte[Sha256Lanes.Count * 32]));
        Assert.Throws<ArgumentException>(() => Sha256Lanes.Hash(new byte[Sha256Lanes.Count * 64], new byte[(Sha256Lanes.Count * 32) - 1]));
    }
}
