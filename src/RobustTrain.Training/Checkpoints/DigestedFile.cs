using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints.Digests;

namespace RobustTrain.Training.Checkpoints;

/// <summary>
/// Writes and verifies files with their digests, large ones by several threads: that brings them to the disk sooner, and costs a training
/// beside them no more than one thread does.
/// </summary>
internal static class DigestedFile
{
    // About a millisecond's work: for less, starting a thread doesn't pay.
    private const int GroupsOfThread = 4;

    /// <summary>
    /// Writes a new file and flushes it. A large one goes past the system's cache where that can be: to fill the cache with what nobody
    /// reads takes as long as the digest.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Its content.</param>
    /// <param name="threads">The most threads to use; they have the calling one's priority.</param>
    /// <param name="abandoned">Breaks off.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static CheckpointFile Write(string path, FileContent content, int threads, CancellationToken abandoned = default)
    {
        var digests = new PieceDigests(content.Length);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        if (digests.Groups > 1)
            UncachedFile.Begin(file);
        ShareGroups(digests, threads, (group, offset, length, memory) =>
        {
            abandoned.ThrowIfCancellationRequested();
            content.CopyTo(offset, memory[..length]);
            digests.Hash(group, memory[..length]);

            // Disks take whole blocks; the file gets its own length afterwards.
            Span<byte> blocks = memory[..AlignedMemory.RoundUp(length)];
            blocks[length..].Clear();
            UncachedFile.Write(file, blocks, offset);
        });
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
