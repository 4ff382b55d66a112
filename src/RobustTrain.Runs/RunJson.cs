using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using RobustTrain.Runs.Events;

namespace RobustTrain.Runs;

/// <summary>
/// How records and events are written: snake case, and NaN and infinity, which JSON has no numbers for, as the strings
/// <c>"NaN"</c>, <c>"Infinity"</c> and <c>"-Infinity"</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(RunEvent))]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class RunJson : JsonSerializerContext
{
    // The texts go to files and pipes, never into HTML: paths stay readable.
    private static readonly JavaScriptEncoder s_encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Writes a value in UTF-8.</summary>
    public static void Write<T>(IBufferWriter<byte> target, T value, JsonTypeInfo<T> type, bool indented)
    {
        using Utf8JsonWriter writer = new(target, new JsonWriterOptions { Encoder = s_encoder, Indented = indented, NewLine = "\n" });
        JsonSerializer.Serialize(writer, value, type);
    }
}
