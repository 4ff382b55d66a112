using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints.Digests;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Writes and verifies files with their digests, which several threads work out of large ones. First all of the digest, then all of the
/// writing: threads that compute, all at once and without waiting for a disk meanwhile, hold up a training beside them the least.
/// </summary>
internal static class DigestedFile
{
    // About two milliseconds' work: for less, starting a thread doesn't pay.
    private const int GroupsOfThread = 2;

    // What the disk gets at once; for each, a processor is taken from the training.
    private const int BytesOfWrite = 4 * PieceDigests.GroupBytes;

    /// <summary>
    /// Writes a file and flushes it. A large one goes past the system's cache where that can be: to fill the cache with what nobody
    /// reads takes as long as the digest.
    /// </summary>
    /// <param name="path">The file; what is there is written over, which costs a disk less than new blocks.</param>
    /// <param name="content">Its content.</param>
    /// <param name="threads">The most threads to use; they have the calling one's priority.</param>
    /// <param name="abandoned">Breaks off.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static CheckpointFile Write(string path, FileContent content, int threads, CancellationToken abandoned = default)
    {
        var digests = new PieceDigests(content.Length);
        ShareGroups(digests, threads, (group, offset, length, memory) =>
        {
            abandoned.ThrowIfCancellationRequested();
            digests.Hash(group, content.Read(offset, memory[..length]));
        });

        using SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        if (digests.Groups > 1)
            UncachedFile.Begin(file);
        using var memory = new AlignedMemory((int)Math.Min(BytesOfWrite, content.Length));
        for (long offset = 0; offset < content.Length;)
        {
            abandoned.ThrowIfCancellationRequested();

            // The first group begins with the file's header, and so does not lie in one piece.
            int length = (int)Math.Min(offset == 0 ? PieceDigests.GroupBytes : BytesOfWrite, content.Length - offset);
            ReadOnlySpan<byte> blocks = content.Read(offset, memory.Span[..length]);
            if (!AlignedMemory.IsBlocks(blocks))
            {
                // Disks take whole blocks; the file gets its own length afterwards.
                blocks.CopyTo(memory.Span);
                blocks = memory.Span[..AlignedMemory.RoundUp(length)];
                memory.Span[length..blocks.Length].Clear();
            }

            UncachedFile.Write(file, blocks, offset);
            offset += length;
        }

        RandomAccess.SetLength(file, content.Length);
        RandomAccess.FlushToDisk(file);
        return new CheckpointFile(content.Length, PiecesSha256: digests.Combine());
    }

    /// <summary>What is wrong with a file, as the end of a sentence; null where it is as the manifest says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">What the manifest says.</param>
    /// <param name="threads">The most threads to use.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static string? FindDamage(string path, CheckpointFile expected, int threads)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        if (length != expected.Bytes)
            return $"it has {length} bytes instead of {expected.Bytes}";
        bool isWhole = expected.PiecesSha256 is { } pieces ? pieces == DigestOfPieces(file, length, threads) : expected.Sha256 == DigestOfContent(file);
        return isWhole ? null : "its SHA-256 is not the one in the manifest";
    }

    private static string DigestOfPieces(SafeFileHandle file, long fileBytes, int threads)
    {
        var digests = new PieceDigests(fileBytes);
        ShareGroups(digests, threads, (group, offset, length, memory) =>
        {
            int filled = 0;
            while (filled < length && RandomAccess.Read(file, memory[filled..length], offset + filled) is int read and > 0)
                filled += read;
            digests.Hash(group, memory[..filled]);
        });
        return digests.Combine();
    }

    // Of manifests of format 1.
    private static string DigestOfContent(SafeFileHandle file)
    {
        using FileStream content = new(file, FileAccess.Read, bufferSize: 0);
        return Convert.ToHexStringLower(SHA256.HashData(content));
    }

    private static void ShareGroups(PieceDigests digests, int threads, GroupWork work) => SharedWork.Run(
        digests.Groups, Math.Clamp(digests.Groups / GroupsOfThread, 1, threads),
        () => new AlignedMemory((int)Math.Min(PieceDigests.GroupBytes, digests.FileBytes)),
        (group, memory) =>
        {
            long offset = (long)group * PieceDigests.GroupBytes;
            work(group, offset, (int)Math.Min(PieceDigests.GroupBytes, digests.FileBytes - offset), memory.Span);
        });

    private delegate void GroupWork(int group, long offset, int length, Span<byte> memory);
}
