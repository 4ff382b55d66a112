using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace RobustTrain.Training.Checkpoints.SafeTensors;

/// <summary>
/// Reads safetensors. Opening checks the whole header against the file: every tensor inside it, of the size that its shape needs,
/// without gaps and without overlap, as the format asks.
/// </summary>
public sealed class SafeTensorsReader : IDisposable
{
    internal const string MetadataKey = "__metadata__";

    // The limit of the reference implementation: a longer header is a broken length, not a header.
    private const long MaxHeaderBytes = 100_000_000;

    private readonly SafeFileHandle _file;

    private SafeTensorsReader(string path, SafeFileHandle file, IReadOnlyDictionary<string, SafeTensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Path = path;
        _file = file;
        Entries = entries;
        Metadata = metadata;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafeTensorsEntry> Entries { get; }

    /// <summary>The free text pairs of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="SafeTensorsException">The file breaks the format.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static SafeTensorsReader Open(string path)
    {
        SafeFileHandle file = File.OpenHandle(path);
        try
        {
            long fileLength = RandomAccess.GetLength(file);
            byte[] header = ReadHeader(path, file, fileLength);
            (Dictionary<string, SafeTensorsEntry> entries, Dictionary<string, string> metadata) = Parse(path, header, sizeof(ulong) + header.Length);
            CheckLayout(path, entries.Values, sizeof(ulong) + header.Length, fileLength);
            return new SafeTensorsReader(path, file, entries, metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a tensor's bytes.</summary>
    /// <exception cref="KeyNotFoundException">The file has no such tensor.</exception>
    /// <exception cref="SafeTensorsException">The file became shorter since it was opened.</exception>
    public byte[] Read(string name)
    {
        SafeTensorsEntry entry = Entries[name];
        byte[] data = GC.AllocateUninitializedArray<byte>(checked((int)entry.Length));
        ReadExactly(Path, _file, data, entry.Offset);
        return data;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static byte[] ReadHeader(string path, SafeFileHandle file, long fileLength)
    {
        if (fileLength < sizeof(ulong))
            throw new SafeTensorsException(path, $"it has {fileLength} bytes, fewer than the 8 of the header's length");

        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        ReadExactly(path, file, prefix, 0);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes)
            throw new SafeTensorsException(path, $"its header would have {length} bytes, more than the allowed {MaxHeaderBytes}");
        if ((long)length > fileLength - sizeof(ulong))
            throw new SafeTensorsException(path, $"its header would have {length} bytes, but only {fileLength - sizeof(ulong)} follow");

        byte[] header = new byte[length];
        ReadExactly(path, file, header, sizeof(ulong));
        if (header is not [(byte)'{', ..])
            throw new SafeTensorsException(path, "its header is not a JSON object");
        return header;
    }

    private static (Dictionary<string, SafeTensorsEntry> Entries, Dictionary<string, string> Metadata) Parse(string path, byte[] header, long dataStart)
    {
        var entries = new Dictionary<string, SafeTensorsEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            foreach (JsonProperty property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                {
                    foreach (JsonProperty pair in property.Value.EnumerateObject())
                        metadata[pair.Name] = pair.Value.GetString() ?? "";
                }
                else if (!entries.TryAdd(property.Name, ParseEntry(path, property, dataStart)))
                {
                    throw new SafeTensorsException(path, $"the tensor {property.Name} stands in its header twice");
                }
            }
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new SafeTensorsException(path, $"its header can't be read ({broken.Message.TrimEnd('.')})", broken);
        }

        return (entries, metadata);
    }

    private static SafeTensorsEntry ParseEntry(string path, JsonProperty property, long dataStart)
    {
        string type = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!Enum.TryParse(type, out ElementFormat format) || format.ToString() != type)
            throw new SafeTensorsException(path, $"the tensor {property.Name} has the unknown type '{type}'");

        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        if (offsets is not [>= 0, _] || offsets[1] < offsets[0] || shape.Any(size => size < 0))
            throw new SafeTensorsException(path, $"the tensor {property.Name} has an impossible shape or place");

        long length = offsets[1] - offsets[0];
        UInt128 needed = shape.Aggregate((UInt128)format.SizeOf(), (product, size) => UInt128.Min(product * (ulong)size, ulong.MaxValue));
        if (needed != (ulong)length)
            throw new SafeTensorsException(path, $"the tensor {property.Name} of {type} [{string.Join(", ", shape)}] needs {needed} bytes, but {length} are given");
        return new SafeTensorsEntry(property.Name, format, shape, dataStart + offsets[0], length);
    }

    private static void CheckLayout(string path, IEnumerable<SafeTensorsEntry> entries, long dataStart, long fileLength)
    {
        long end = dataStart;
        foreach (SafeTensorsEntry entry in entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length))
        {
            if (entry.Offset != end)
                throw new SafeTensorsException(path, $"the tensor {entry.Name} {(entry.Offset > end ? "leaves a gap after" : "overlaps")} the one before it");
            end += entry.Length;
        }

        if (end != fileLength)
            throw new SafeTensorsException(path, $"its tensors end at byte {end}, but the file has {fileLength}");
    }

    private static void ReadExactly(string path, SafeFileHandle file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            int read = RandomAccess.Read(file, target, offset);
            if (read == 0)
                throw new SafeTensorsException(path, $"it ends at byte {offset}, in the middle of its data");
            target = target[read..];
            offset += read;
        }
    }
}

/// <summary>Where a tensor stands in a safetensors file.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Format">The format of the elements.</param>
/// <param name="Shape">The shape; empty for a scalar.</param>
/// <param name="Offset">The bytes before the tensor, from the start of the file.</param>
/// <param name="Length">The bytes of the tensor.</param>
public sealed record SafeTensorsEntry(string Name, ElementFormat Format, IReadOnlyList<long> Shape, long Offset, long Length);

/// <summary>A file is not the safetensors file that it claims to be; the message says in one sentence what is wrong.</summary>
public sealed class SafeTensorsException(string path, string problem, Exception? innerException = null)
    : Exception($"{path} is not a valid safetensors file: {problem}.", innerException);
