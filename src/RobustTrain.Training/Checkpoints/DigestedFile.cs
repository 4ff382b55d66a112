using System.Security.Cryptography;
using System.Text;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Writes and verifies files with their SHA-256.</summary>
internal static class DigestedFile
{
    // What is digested and written at once: it is still in the processor's cache for the second of them. Formats before the present one made
    // a file's digest of the digests of such pieces.
    private const int PieceBytes = 128 << 10;

    /// <summary>Writes a file, which must not be there yet, and flushes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Its content, in parts that follow each other.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static CheckpointFile Write(string path, params IEnumerable<ReadOnlyMemory<byte>> content)
    {
        using IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        foreach (ReadOnlyMemory<byte> part in content)
        {
            for (int at = 0; at < part.Length; at += PieceBytes)
            {
                ReadOnlySpan<byte> piece = part.Span[at..Math.Min(part.Length, at + PieceBytes)];
                digest.AppendData(piece);
                file.Write(piece);
            }
        }

        file.Flush(flushToDisk: true);
        return new CheckpointFile(file.Length, Convert.ToHexStringLower(digest.GetHashAndReset()));
    }

    /// <summary>What is wrong with a file, as the end of a sentence; null where it is as the manifest says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">What the manifest says.</param>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static string? FindDamage(string path, CheckpointFile expected)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, PieceBytes);
        if (file.Length != expected.Bytes)
            return $"it has {file.Length} bytes instead of {expected.Bytes}";
        bool isWhole = expected.PiecesSha256 is { } pieces ? pieces == DigestOfPieces(file) : expected.Sha256 == Convert.ToHexStringLower(SHA256.HashData(file));
        return isWhole ? null : "its SHA-256 is not the one in the manifest";
    }

    // Of manifests of format 2: split -b 128K --filter=sha256sum FILE | sha256sum
    private static string DigestOfPieces(FileStream file)
    {
        byte[] piece = new byte[PieceBytes];
        StringBuilder list = new();
        while (file.ReadAtLeast(piece, PieceBytes, throwOnEndOfStream: false) is int read and > 0)
            list.Append(Convert.ToHexStringLower(SHA256.HashData(piece.AsSpan(0, read)))).Append("  -\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list.ToString())));
    }
}
