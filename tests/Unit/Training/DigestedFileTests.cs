using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using RobustTrain.Data;
using RobustTrain.Tests.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.Digests;

namespace RobustTrain.Tests.Training;

public sealed class DigestedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.At("file");

    // Around pieces and groups, and what is no multiple of what a disk writes.
    public static TheoryData<int, int> SizesAndThreads
    {
        get
        {
            var all = new TheoryData<int, int>();
            foreach (int size in new[] { 0, 17, 4096, PieceDigests.PieceBytes, PieceDigests.PieceBytes + 1, PieceDigests.GroupBytes, PieceDigests.GroupBytes + 1, (8 * PieceDigests.GroupBytes) + 4097 })
            {
                all.Add(size, 1);
                all.Add(size, 3);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(SizesAndThreads))]
    public void What_is_written_is_in_the_file_and_found_whole(int size, int threads)
    {
        byte[] content = RandomNumberGenerator.GetBytes(size);
        CheckpointFile written = DigestedFile.Write(Path, Parts(content), threads);

        Assert.Equal(new CheckpointFile(size, Expected(content)), written);
        Assert.Equal(content, File.ReadAllBytes(Path));
        Assert.Null(DigestedFile.FindDamage(Path, written, threads));
    }

    [Fact]
    public void What_lies_on_the_blocks_of_the_file_is_written_from_where_it_is_over_what_was_there()
    {
        byte[] content = RandomNumberGenerator.GetBytes((9 * PieceDigests.GroupBytes) + 4097);
        Memory<byte> behindHeader = LargePages.AllocateManaged(content.Length - 100, pageOffset: 100);
        content.AsSpan(100).CopyTo(behindHeader.Span);
        File.WriteAllBytes(Path, new byte[content.Length + 10_000]);
        CheckpointFile written = DigestedFile.Write(Path, new FileContent(content.AsMemory(0, 100), behindHeader), threads: 2);

        Assert.Equal(new CheckpointFile(content.Length, Expected(content)), written);
        Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(Path)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(PieceDigests.GroupBytes - 1)]
    [InlineData(4 * PieceDigests.GroupBytes)]
    [InlineData((8 * PieceDigests.GroupBytes) + 99)]
    public void One_bit_that_turned_is_found_wherever_it_is(int place)
    {
        byte[] content = new byte[(8 * PieceDigests.GroupBytes) + 100];
        CheckpointFile written = DigestedFile.Write(Path, Parts(content), threads: 2);
        content[place] ^= 1;
        File.WriteAllBytes(Path, content);

        Assert.Equal("its SHA-256 is not the one in the manifest", DigestedFile.FindDamage(Path, written, threads: 2));
    }

    [Fact]
    public void A_digest_of_the_whole_content_is_verified_as_manifests_of_format_1_have_it()
    {
        byte[] content = RandomNumberGenerator.GetBytes(PieceDigests.GroupBytes + 1);
        File.WriteAllBytes(Path, content);

        Assert.Null(DigestedFile.FindDamage(Path, new CheckpointFile(content.Length, Sha256: Convert.ToHexStringLower(SHA256.HashData(content))), threads: 2));
        Assert.NotNull(DigestedFile.FindDamage(Path, new CheckpointFile(content.Length, Sha256: Convert.ToHexStringLower(SHA256.HashData(content[1..]))), threads: 2));
        Assert.NotNull(DigestedFile.FindDamage(Path, new CheckpointFile(content.Length), threads: 2));
    }

    [Fact]
    public void The_digest_is_what_every_system_computes()
    {
        if (!OperatingSystem.IsLinux())
            return;
        CheckpointFile written = DigestedFile.Write(Path, Parts(RandomNumberGenerator.GetBytes((3 * PieceDigests.PieceBytes) + 5)), threads: 1);
        using Process shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"split -b 128K --filter=sha256sum '{Path}' | sha256sum"]) { RedirectStandardOutput = true })!;

        Assert.Equal(written.PiecesSha256, shell.StandardOutput.ReadToEnd().Split(' ')[0]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Writing_that_is_broken_off_ends_every_thread(int threads)
    {
        var content = Parts(new byte[16 * PieceDigests.GroupBytes]);
        Assert.Throws<OperationCanceledException>(() => DigestedFile.Write(Path, content, threads, new CancellationToken(canceled: true)));
        File.Delete(Path);
    }

    public void Dispose() => _folder.Dispose();

    private static FileContent Parts(byte[] content) => new(content.Chunk((content.Length / 5) + 1).Select(part => (ReadOnlyMemory<byte>)part));

    private static string Expected(byte[] content)
    {
        string list = string.Concat(content.Chunk(128 * 1024).Select(piece => $"{Convert.ToHexStringLower(SHA256.HashData(piece))}  -\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list)));
    }
}
