using System.ComponentModel;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace RobustTrain.Configuration;

/// <summary>A configuration's JSON Schema (draft 2020-12), with which editors complete and check the YAML.</summary>
public static class ConfigurationJsonSchema
{
    /// <summary>The schema as JSON text.</summary>
    /// <typeparam name="T">The record at the root.</typeparam>
    public static string Write<T>()
        where T : new()
    {
        JsonSerializerOptions options = new()
        {
            WriteIndented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            RespectNullableAnnotations = true,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { KeepKeys } },
        };
        JsonObject types = (JsonObject)options.GetJsonSchemaAsNode(typeof(T));
        JsonObject schema = new() { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = "RobustTrain configuration" };
        AddSection(schema, ConfigurationSchema<T>.Root, types, options);
        foreach (ConfigurationKey key in ConfigurationSchema<T>.Root.Keys.Where(key => key.IsSettings))
        {
            JsonObject part = [];
            AddSection(part, ConfigurationSchema<T>.Root, types, options, key.Settings!.Allows);
            ((JsonArray)schema["properties"]![key.Name]!["additionalProperties"]!["anyOf"]!).Insert(0, part);
        }

        return schema.ToJsonString(options);
    }

    private static void KeepKeys(JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo property in type.Properties.Where(property => !property.AttributeProvider!.IsDefined(typeof(DescriptionAttribute), inherit: true)).ToList())
            type.Properties.Remove(property);
    }

    // What the types say, and what only the keys know: descriptions, limits, other names, defaults, and seconds for a TimeSpan.
    private static void AddSection(JsonObject schema, ConfigurationSection section, JsonObject types, JsonSerializerOptions options, Func<string, bool>? allows = null)
    {
        JsonObject properties = [];
        JsonArray conditions = [];
        foreach (ConfigurationKey key in section.Keys.Where(key => allows is null || (key.Section?.Values ?? [key]).Any(leaf => allows(leaf.Path))))
        {
            JsonObject type = Resolve((JsonObject)types["properties"]![options.PropertyNamingPolicy!.ConvertName(key.Property.Name)]!);
            properties[key.Name] = Key(key, type, options, allows);
            foreach (string alias in key.Aliases)
            {
                JsonObject other = Key(key, type, options, allows);
                other["description"] = $"Another name of {key.Name}.";
                other["deprecated"] = true;
                properties[alias] = other;
                // Only one of the names may be given.
                conditions.Add(new JsonObject { ["not"] = new JsonObject { ["required"] = new JsonArray(key.Name, alias) } });
            }
        }

        schema["type"] = "object";
        schema["properties"] = properties;
        schema["additionalProperties"] = types["additionalProperties"]!.DeepClone();
        if (conditions.Count > 0)
            schema["allOf"] = conditions;
    }

    // A type that comes again is a pointer to where it came first.
    private static JsonObject Resolve(JsonObject type)
    {
        if (type["$ref"] is not { } pointer)
            return type;
        JsonNode target = pointer.GetValue<string>().Split('/').Skip(1).Aggregate(type.Root, (node, name) => node[name]!);
        return Resolve((JsonObject)target);
    }

    private static JsonObject Key(ConfigurationKey key, JsonObject type, JsonSerializerOptions options, Func<string, bool>? allows)
    {
        JsonObject schema = new() { ["description"] = key.Description };
        if (key.Section is { } section)
        {
            AddSection(schema, section, type, options, allows);
            // An empty section in YAML is null.
            schema["type"] = new JsonArray("object", "null");
            return schema;
        }

        // The exporter takes a TimeSpan for a text.
        foreach ((string name, JsonNode? value) in key.ValueType == typeof(double) ? [] : type)
            schema[name] = value?.DeepClone();
        if (key.ValueType == typeof(double))
            schema["type"] = key.IsNullable ? new JsonArray("number", "null") : "number";
        JsonObject item = key.IsList ? (JsonObject)schema["items"]! : schema;
        if (key.Minimum is { } least)
            item["minimum"] = least;
        if (key.Maximum is { } most && most < long.MaxValue)
            item["maximum"] = most;
        if (key.IsPath)
            schema["format"] = "path";
        if (key.ItemCount is { } count)
            (schema["minItems"], schema["maxItems"]) = (count, count);
        if (key.IsMap)
        {
            schema["propertyNames"] = new JsonObject { ["pattern"] = Whole(key.Pattern!) };
            JsonObject texts = new() { ["type"] = new JsonArray("array", "string"), ["items"] = new JsonObject { ["type"] = "string" } };
            schema["additionalProperties"] = key.IsSettings ? new JsonObject { ["anyOf"] = new JsonArray(texts) } : texts;
        }
        else if (key.Kind == ConfigurationKind.Text)
        {
            AddText(item, key);
        }

        if (key.NullText != "null")
        {
            JsonObject value = new() { ["type"] = ((JsonArray)schema["type"]!)[0]!.DeepClone() };
            foreach (string limit in (string[])["minimum", "maximum"])
            {
                if (schema.Remove(limit, out JsonNode? bound))
                    value[limit] = bound;
            }

            schema.Remove("type");
            schema["anyOf"] = new JsonArray(value, new JsonObject { ["const"] = key.NullText });
        }

        if (!key.IsRequired)
            schema["default"] = JsonSerializer.SerializeToNode(key.Default, options);
        return schema;
    }

    private static void AddText(JsonObject item, ConfigurationKey key)
    {
        // Of a list's items the exporter doesn't know that they are not null.
        bool isNullable = key is { IsNullable: true, IsList: false };
        item["type"] = isNullable ? new JsonArray("string", "null") : "string";
        JsonArray? words = key.AllowedValues is null ? null : [.. key.AllowedValues.Select(word => (JsonNode?)word), .. isNullable ? [null] : (JsonNode?[])[]];
        JsonNode? pattern = key.Pattern is null ? null : Whole(key.Pattern);
        if (words is not null && pattern is not null)
            item["anyOf"] = new JsonArray(new JsonObject { ["enum"] = words }, new JsonObject { ["pattern"] = pattern });
        else if (words is not null)
            item["enum"] = words;
        else if (pattern is not null)
            item["pattern"] = pattern;
    }

    private static string Whole(string pattern) => $"^(?:{pattern})$";
}
