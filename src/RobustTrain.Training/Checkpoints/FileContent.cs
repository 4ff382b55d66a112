namespace RobustTrain.Training.Checkpoints;

/// <summary>The content of a file, which lies in memory in parts.</summary>
internal sealed class FileContent
{
    private readonly ReadOnlyMemory<byte>[] _parts;
    private readonly long[] _ends;

    /// <summary>A content of parts that follow each other.</summary>
    public FileContent(params IEnumerable<ReadOnlyMemory<byte>> parts)
    {
        _parts = [.. parts.Where(part => part.Length > 0)];
        _ends = new long[_parts.Length];
        for (int part = 0; part < _parts.Length; part++)
            _ends[part] = Length += _parts[part].Length;
    }

    /// <summary>The bytes of all parts.</summary>
    public long Length { get; }

    /// <summary>Copies the bytes from a place on; the content must have as many.</summary>
    public void CopyTo(long offset, Span<byte> target)
    {
        // The first part that ends behind the place.
        int part = Array.BinarySearch(_ends, offset + 1);
        for (part = part < 0 ? ~part : part; target.Length > 0; part++)
        {
            ReadOnlySpan<byte> rest = _parts[part].Span[^(int)(_ends[part] - offset)..];
            rest = rest[..Math.Min(rest.Length, target.Length)];
            rest.CopyTo(target);
            target = target[rest.Length..];
            offset += rest.Length;
        }
    }
}
