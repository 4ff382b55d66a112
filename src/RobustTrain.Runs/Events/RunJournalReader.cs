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
