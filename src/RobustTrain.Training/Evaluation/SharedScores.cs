using System.Text.Json;
using System.Text.Json.Serialization;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Evaluation;

/// <summary>What was counted in samples, as one rank tells it the others: JSON, each with the name of its type, since each task and plug-in has its own.</summary>
internal static class SharedScores
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new OfAnyTask() },
    };

    /// <summary>Writes samples.</summary>
    public static string Write(IReadOnlyList<SampleResult> samples) => JsonSerializer.Serialize(samples, s_json);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static IReadOnlyList<SampleResult> Read(string json) => JsonSerializer.Deserialize<List<SampleResult>>(json, s_json)!;

    private sealed class OfAnyTask : JsonConverter<SampleResult>
    {
        public override bool CanConvert(Type typeToConvert) => typeToConvert == typeof(SampleResult);

        public override SampleResult Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            string assembly = document.RootElement[0].GetString()!;
            string name = document.RootElement[1].GetString()!;
            // Plug-ins have load contexts of their own, in which no type is found by its name alone.
            Type type = AppDomain.CurrentDomain.GetAssemblies().Where(loaded => loaded.GetName().Name == assembly).Select(loaded => loaded.GetType(name)).OfType<Type>().First();
            return (SampleResult)document.RootElement[2].Deserialize(type, options)!;
        }

        public override void Write(Utf8JsonWriter writer, SampleResult value, JsonSerializerOptions options)
        {
            Type type = value.GetType();
            writer.WriteStartArray();
            writer.WriteStringValue(type.Assembly.GetName().Name);
            writer.WriteStringValue(type.FullName);
            JsonSerializer.Serialize(writer, value, type, options);
            writer.WriteEndArray();
        }
    }
}
