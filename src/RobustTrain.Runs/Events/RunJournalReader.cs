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

    /// <summary>The whole lines of a journal as events, one at a time, so that a journal of any length takes no memory; none where it doesn't exist.</summary>
    /// <param name="path">The journal.</param>
    /// <param name="leftOut">Kinds that are not even parsed, as <c>step</c>.</param>
    /// <exception cref="IOException">The journal can't be read.</exception>
    public static IEnumerable<RunEvent> Enumerate(string path, params IReadOnlyCollection<string> leftOut)
    {
        if (!File.Exists(path))
            yield break;
        byte[][] marks = [.. leftOut.Select(kind => System.Text.Encoding.UTF8.GetBytes($"{{\"event\":\"{kind}\""))];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        using MemoryStream line = new();
        byte[] chunk = new byte[ChunkBytes];
        int count;
        while ((count = file.Read(chunk)) > 0)
        {
            int start = 0;
            for (int end; (end = Array.IndexOf(chunk, (byte)'\n', start, count - start)) >= 0; start = end + 1)
            {
                line.Write(chunk, start, end - start);
                ReadOnlyMemory<byte> text = line.GetBuffer().AsMemory(0, (int)line.Length);
                line.SetLength(0);
                if (text.Length > 0 && !marks.Any(mark => text.Span.StartsWith(mark)) && EventLine.Read(text.Span) is { } runEvent)
                    yield return runEvent;
            }

            line.Write(chunk, start, count - start);
        }
    }

    /// <summary>The last word of a process on what it has used; read from the journal's end, so that its length does not matter.</summary>
    /// <param name="path">The journal.</param>
    /// <param name="processId">The process.</param>
    /// <returns>Null where it has said none, or the journal can't be read.</returns>
    internal static CostMeasured? LastCost(string path, int processId)
    {
        try
        {
            return File.Exists(path) ? LinesFromEnd(path).Where(line => line.AsSpan().StartsWith(CostMark) || line.AsSpan().StartsWith(StartMark))
                .Select(line => EventLine.Read(line))
                .Select(found => found is CostMeasured cost && cost.ProcessId == processId ? (Cost: cost, IsEnd: true) : (Cost: null, IsEnd: found is RunStarted))
                .FirstOrDefault(found => found.IsEnd).Cost : null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // What was used is told to people only; the journal's own readers say why it can't be read.
            return null;
        }
    }

    private static ReadOnlySpan<byte> CostMark => "{\"event\":\"cost\""u8;

    private static ReadOnlySpan<byte> StartMark => "{\"event\":\"run_started\""u8;

    // Whole lines alone: what follows the last line feed is no line yet.
    private static IEnumerable<byte[]> LinesFromEnd(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        byte[] rest = [];
        bool isFirst = true;
        for (long end = file.Length; end > 0;)
        {
            int size = (int)Math.Min(ChunkBytes, end);
            byte[] chunk = new byte[size + rest.Length];
            file.Position = end - size;
            file.ReadExactly(chunk, 0, size);
            rest.CopyTo(chunk, size);
            end -= size;
            int stop = chunk.Length;
            for (int at; (at = Array.LastIndexOf(chunk, (byte)'\n', stop - 1, stop)) >= 0; stop = at)
            {
                if (!isFirst)
                    yield return chunk[(at + 1)..stop];
                isFirst = false;
                if (at == 0)
                {
                    stop = 0;
                    break;
                }
            }

            rest = chunk[..stop];
        }

        if (rest.Length > 0 && !isFirst)
            yield return rest;
    }

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
