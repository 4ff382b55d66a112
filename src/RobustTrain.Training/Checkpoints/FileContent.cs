using System.Runtime.InteropServices;

namespace RobustTrain.Training.Checkpoints;

/// <summary>The content of a file, which lies in memory in parts.</summary>
internal sealed class FileContent
{
    private readonly List<ReadOnlyMemory<byte>> _parts = [];
    private readonly List<long> _ends = [];

    /// <summary>A content of parts that follow each other; those that do so in memory, too, are one.</summary>
    public FileContent(params IEnumerable<ReadOnlyMemory<byte>> parts)
    {
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            if (part.Length == 0)
                continue;
            Length += part.Length;
            if (_parts.Count > 0 && TryJoin(_parts[^1], part, out ReadOnlyMemory<byte> joined))
            {
                _parts[^1] = joined;
                _ends[^1] = Length;
            }
            else
            {
                _parts.Add(part);
                _ends.Add(Length);
            }
        }
    }

    /// <summary>The bytes of all parts.</summary>
    public long Length { get; }

    /// <summary>Reads the bytes from a place on; the content must have as many.</summary>
    /// <param name="offset">The place.</param>
    /// <param name="memory">As many bytes as are to be read, to bring them together in.</param>
    /// <returns>The bytes: where they are, if that is in one piece, else in <paramref name="memory"/>.</returns>
    public ReadOnlySpan<byte> Read(long offset, Span<byte> memory)
    {
        int part = PartAt(offset);
        ReadOnlySpan<byte> rest = RestOf(part, offset);
        if (rest.Length >= memory.Length)
            return rest[..memory.Length];

        for (Span<byte> target = memory; target.Length > 0; part++)
        {
            rest = RestOf(part, offset);
            rest = rest[..Math.Min(rest.Length, target.Length)];
            rest.CopyTo(target);
            target = target[rest.Length..];
            offset += rest.Length;
        }

        return memory;
    }

    // The first part that ends behind the place.
    private int PartAt(long offset)
    {
        int part = _ends.BinarySearch(offset + 1);
        return part < 0 ? ~part : part;
    }

    private ReadOnlySpan<byte> RestOf(int part, long offset) => _parts[part].Span[^(int)(_ends[part] - offset)..];

    private static bool TryJoin(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> next, out ReadOnlyMemory<byte> joined)
    {
        bool areNeighbours = MemoryMarshal.TryGetArray(one, out ArraySegment<byte> first) && MemoryMarshal.TryGetArray(next, out ArraySegment<byte> second)
            && first.Array == second.Array && first.Offset + first.Count == second.Offset;
        joined = areNeighbours ? first.Array.AsMemory(first.Offset, one.Length + next.Length) : default;
        return areNeighbours;
    }
}
