using System.Buffers.Binary;
using System.Text.Json;

namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>
/// Writes safetensors: eight bytes with the header's length (little-endian), a JSON header padded with spaces to a multiple of eight,
/// then the tensors' bytes without gaps, wide elements first so that each tensor is aligned to its element.
/// Source: https://github.com/huggingface/safetensors#format.
/// </summary>
public static class SafeTensorsWriter
{
    /// <summary>Writes <paramref name="tensors"/> to <paramref name="target"/>.</summary>
    /// <param name="target">Where to write; it is not closed.</param>
    /// <param name="tensors">The tensors; names must differ.</param>
    /// <param name="metadata">Free text pairs that stand in the header under <c>__metadata__</c>.</param>
    /// <exception cref="ArgumentException">Two tensors share a name, or a tensor's bytes don't fit its shape.</exception>
    public static void Write(Stream target, IReadOnlyCollection<HostTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        foreach (ReadOnlyMemory<byte> part in Parts(tensors, metadata))
            target.Write(part.Span);
    }

    /// <summary>The file's content: the header, and then the tensors' own memory.</summary>
    /// <inheritdoc cref="Write"/>
    internal static IEnumerable<ReadOnlyMemory<byte>> Parts(IReadOnlyCollection<HostTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        HostTensor[] ordered = Ordered(tensors);
        byte[] header = Header(ordered, metadata);
        foreach (HostTensor tensor in ordered)
        {
            if (tensor.Length != tensor.Data.Length)
                throw new ArgumentException($"{tensor.Name} has {tensor.Data.Length} bytes, but its shape needs {tensor.Length}.", nameof(tensors));
        }

        return ordered.Select(tensor => tensor.Data).Prepend(header);
    }

    /// <summary>The tensors as they follow each other in a file.</summary>
    private static HostTensor[] Ordered(IEnumerable<HostTensor> tensors) => [.. tensors.OrderByDescending(tensor => tensor.Format.SizeOf())];

    /// <summary>What stands before the tensors, whose bytes need not be there yet.</summary>
    private static byte[] Header(IReadOnlyCollection<HostTensor> ordered, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var buffer = new MemoryStream();
        buffer.SetLength(sizeof(ulong));
        buffer.Position = sizeof(ulong);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
                WriteMetadata(json, metadata);

            var names = new HashSet<string>(StringComparer.Ordinal) { SafeTensorsReader.MetadataKey };
            long offset = 0;
            foreach (HostTensor tensor in ordered)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"The name {tensor.Name} stands twice among the tensors.", nameof(ordered));
                WriteEntry(json, tensor, offset);
                offset += tensor.Length;
            }

            json.WriteEndObject();
        }

        while (buffer.Length % sizeof(ulong) != 0)
            buffer.WriteByte((byte)' ');
        byte[] header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - sizeof(ulong));
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafeTensorsReader.MetadataKey);
        foreach ((string key, string value) in metadata)
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, HostTensor tensor, long offset)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Format.ToString());
        json.WriteStartArray("shape");
        foreach (long size in tensor.Shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + tensor.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>A tensor's bytes in the host's memory, row-major.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="Format">The format of the elements.</param>
/// <param name="Shape">The shape; empty for a scalar.</param>
/// <param name="Data">The bytes, little-endian; their number is that of the shape.</param>
public sealed record HostTensor(string Name, ElementFormat Format, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>The bytes that the shape needs.</summary>
    public long Length => Shape.Aggregate((long)Format.SizeOf(), (product, size) => checked(product * size));
}
