using System.Security.Cryptography;
using RobustTrain.Training.Checkpoints;

namespace RobustTrain.Tests.Training;

public sealed class DigestedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.At("file");

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(4096)]
    [InlineData((9 << 20) + 4097)]
    public void What_is_written_is_in_the_file_and_found_whole(int size)
    {
        byte[] content = RandomNumberGenerator.GetBytes(size);
        CheckpointFile written = DigestedFile.Write(Path, content.Chunk((size / 5) + 1).Select(part => (ReadOnlyMemory<byte>)part));

        Assert.Equal(new CheckpointFile(size, Convert.ToHexStringLower(SHA256.HashData(content))), written);
        Assert.Equal(content, File.ReadAllBytes(Path));
        Assert.Null(DigestedFile.FindDamage(Path, written));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData((1 << 20) + 99)]
    public void One_bit_that_turned_is_found_wherever_it_is(int place)
    {
        byte[] content = new byte[(1 << 20) + 100];
        CheckpointFile written = DigestedFile.Write(Path, content);
        content[place] ^= 1;
        File.WriteAllBytes(Path, content);

        Assert.Equal("its SHA-256 is not the one in the manifest", DigestedFile.FindDamage(Path, written));
    }

    [Fact]
    public void A_manifest_without_a_digest_promises_nothing()
    {
        DigestedFile.Write(Path, new byte[1]);
        Assert.NotNull(DigestedFile.FindDamage(Path, new CheckpointFile(1)));
    }

    public void Dispose() => _folder.Dispose();
}
