using System.Buffers;
using System.Text.Json;

namespace RobustTrain.Runs.Events;

/// <summary>
/// Reads a journal while another process writes it. What follows the last line feed is a line that is not whole yet: a later
/// <see cref="ReadNew"/> reads it again.
/// </summary>
public sealed class RunJournalReader(string path)
{
    private const int ChunkBytes = 65536;
    private long _position;

    /// <summary>Reads all whole lines of a journal; none where it doesn't exist.</summary>
    public static IReadOnlyList<RunEvent> ReadAll(string path) => new RunJournalReader(path).ReadNew();

    /// <summary>The events that were written since the last call, in order; kinds that this version doesn't know are left out.</summary>
    /// <exception cref="IOException">The journal can't be read.</exception>
    public IReadOnlyList<RunEvent> ReadNew()
    {
        if (!File.Exists(path))
            return [];
        List<RunEvent> events = [];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        file.Position = _position;
        using MemoryStream line = new();
        byte[] chunk = new byte[ChunkBytes];
        int count;
        while ((count = file.Read(chunk)) > 0)
            Take(chunk.AsSpan(0, count), line, events);
        return events;
    }

    private void Take(ReadOnlySpan<byte> bytes, MemoryStream line, List<RunEvent> events)
    {
        int end;
        while ((end = bytes.IndexOf((byte)'\n')) >= 0)
        {
            line.Write(bytes[..end]);
            _position += line.Length + 1;
            if (line.Length > 0 && EventLine.Read(line.GetBuffer().AsSpan(0, (int)line.Length)) is { } runEvent)
                events.Add(runEvent);
            line.SetLength(0);
            bytes = bytes[(end + 1)..];
        }

        line.Write(bytes);
    }
}

/// <summary>One event as one line of JSON.</summary>
public static class EventLine
{
    /// <summary>Writes an event and a line feed.</summary>
    public static void Write(IBufferWriter<byte> target, RunEvent runEvent)
    {
        RunJson.Write(target, runEvent, RunJson.Default.RunEvent, indented: false);
        target.Write("\n"u8);
    }

    /// <summary>
    /// Reads a line: null where it is an event of a kind that this version doesn't know, a <see cref="RunWarning"/> that says so where
    /// it is no event at all.
    /// </summary>
    public static RunEvent? Read(ReadOnlySpan<byte> line)
    {
        try
        {
            return IsKnown(line) ? JsonSerializer.Deserialize(line, RunJson.Default.RunEvent) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a character beyond the basic plane is no text, which the reader says by the second kind.
            return new RunWarning($"A line of the journal can't be read: {exception.Message}");
        }
    }

    private static bool IsKnown(ReadOnlySpan<byte> line)
    {
        Utf8JsonReader reader = new(line);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("event"u8))
            {
                reader.Read();
                string? kind = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                return RunJson.Default.RunEvent.PolymorphismOptions!.DerivedTypes.Any(derived => derived.TypeDiscriminator as string == kind);
            }
        }

        throw new JsonException("It has no property 'event'.");
    }
}
