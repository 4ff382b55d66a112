using System.Security.Cryptography;
using System.Text;

namespace RobustTrain.Training.Checkpoints.Digests;

/// <summary>
/// A file's digest that threads and the lanes of a processor can share: the SHA-256 of the list of the SHA-256 of its pieces, which
/// <c>split -b 128K --filter=sha256sum FILE | sha256sum</c> computes too.
/// </summary>
/// <param name="fileBytes">The file's size.</param>
internal sealed class PieceDigests(long fileBytes)
{
    /// <summary>The bytes of a piece; the last one of a file may have fewer.</summary>
    public const int PieceBytes = 128 << 10;

    /// <summary>The bytes of a group, whose pieces are hashed at once; the last one of a file may have fewer.</summary>
    public const int GroupBytes = Sha256Lanes.Count * PieceBytes;

    private const int DigestsOfGroup = Sha256Lanes.Count * SHA256.HashSizeInBytes;

    private readonly byte[] _digests = new byte[checked((int)((fileBytes + PieceBytes - 1) / PieceBytes) * SHA256.HashSizeInBytes)];

    /// <summary>The file's size.</summary>
    public long FileBytes => fileBytes;

    /// <summary>The groups of the file.</summary>
    public int Groups => (_digests.Length + DigestsOfGroup - 1) / DigestsOfGroup;

    /// <summary>Hashes a group; threads may hash different ones at the same time.</summary>
    /// <param name="group">Its number, from 0.</param>
    /// <param name="content">All of its bytes.</param>
    public void Hash(int group, ReadOnlySpan<byte> content)
    {
        Span<byte> digests = _digests.AsSpan(group * DigestsOfGroup);
        if (content.Length == GroupBytes && Sha256Lanes.IsSupported)
        {
            Sha256Lanes.Hash(content, digests);
            return;
        }

        while (content.Length > 0)
        {
            int length = Math.Min(PieceBytes, content.Length);
            SHA256.HashData(content[..length], digests);
            content = content[length..];
            digests = digests[SHA256.HashSizeInBytes..];
        }
    }

    /// <summary>The file's digest in lower-case hexadecimal, once all groups are hashed.</summary>
    public string Combine()
    {
        var list = new StringBuilder();
        foreach (byte[] digest in _digests.Chunk(SHA256.HashSizeInBytes))
            list.Append(Convert.ToHexStringLower(digest)).Append("  -\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(list.ToString())));
    }
}
