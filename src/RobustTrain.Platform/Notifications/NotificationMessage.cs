using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RobustTrain.Platform.Notifications;

/// <summary>What commands and webhooks are told, as JSON.</summary>
public static class NotificationMessage
{
    /// <summary>Writes a message.</summary>
    /// <param name="kind">What happened, in one word.</param>
    /// <param name="id">Tells a message that came twice.</param>
    /// <param name="time">When it happened.</param>
    /// <param name="text">A sentence for people.</param>
    /// <param name="host">The host that it is about.</param>
    /// <param name="writeSubject">Writes the members that are of this kind of message.</param>
    /// <returns>One object, in UTF-8.</returns>
    public static ReadOnlyMemory<byte> Write(string kind, string id, DateTimeOffset time, string text, string host, Action<Utf8JsonWriter> writeSubject)
    {
        ArrayBufferWriter<byte> written = new();
        using Utf8JsonWriter json = new(written, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("event", kind);
        json.WriteString("id", id);
        json.WriteString("time", time);
        json.WriteString("text", text);
        json.WriteString("host", host);
        writeSubject(json);
        json.WriteEndObject();
        json.Flush();
        return written.WrittenMemory;
    }
}
