using System.Buffers;
using System.Text.Json;

namespace RobustTrain.Runs.Events;

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
        catch (JsonException exception)
        {
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
