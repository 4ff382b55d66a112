using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using RobustTrain.Runs.Configuration.Schema;

namespace RobustTrain.Runs.Configuration;

/// <summary>The configuration's JSON Schema (draft 2020-12), with which editors complete and check the YAML.</summary>
public static class ConfigurationJsonSchema
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
    };

    /// <summary>The schema as JSON text.</summary>
    public static string Write()
    {
        JsonObject schema = new() { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["title"] = "RobustTrain configuration" };
        foreach ((string name, JsonNode? value) in Section(ConfigurationSchema.Root).ToList())
            schema[name] = value!.DeepClone();
        return schema.ToJsonString(s_options);
    }

    private static JsonObject Section(ConfigurationSection section)
    {
        JsonObject properties = [];
        foreach (ConfigurationKey key in section.Keys)
        {
            properties[key.Name] = Key(key);
            foreach (string alias in key.Aliases)
                properties[alias] = Alias(key, alias);
        }

        JsonObject schema = new() { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (Conditions(section) is { Count: > 0 } conditions)
            schema["allOf"] = conditions;
        return schema;
    }

    // A key and its aliases exclude each other, and one of them is there where the key is required.
    private static JsonArray Conditions(ConfigurationSection section)
    {
        JsonArray conditions = [];
        foreach (ConfigurationKey key in section.Keys.Where(key => key.Aliases.Count > 0))
        {
            foreach (string alias in key.Aliases)
                conditions.Add(new JsonObject { ["not"] = new JsonObject { ["required"] = new JsonArray(key.Name, alias) } });
        }

        return conditions;
    }

    private static JsonObject Alias(ConfigurationKey key, string alias)
    {
        JsonObject schema = Key(key);
        schema["description"] = $"Another name of {key.Name}.";
        schema["deprecated"] = true;
        schema["title"] = alias;
        return schema;
    }

    private static JsonObject Key(ConfigurationKey key)
    {
        JsonObject schema = new() { ["description"] = key.Description };
        if (key.Section is { } section)
        {
            foreach ((string name, JsonNode? value) in Section(section).ToList())
                schema[name] = value!.DeepClone();

            // An empty section in YAML is null.
            schema["type"] = new JsonArray("object", "null");
            return schema;
        }

        if (key.IsMap)
        {
            schema["type"] = key.IsNullable ? new JsonArray("object", "null") : "object";
            schema["propertyNames"] = new JsonObject { ["pattern"] = $"^(?:{key.Pattern})$" };
            schema["additionalProperties"] = new JsonObject { ["type"] = new JsonArray("array", "string"), ["items"] = new JsonObject { ["type"] = "string" } };
            schema["default"] = Value(key.Default);
            return schema;
        }

        JsonObject item = Item(key);
        string type = key.IsList ? "array" : (string)item["type"]!;
        if (key.IsList)
        {
            schema["items"] = item;
            if (key.ItemCount is { } count)
            {
                schema["minItems"] = count;
                schema["maxItems"] = count;
            }
        }
        else
        {
            foreach ((string name, JsonNode? value) in item.ToList())
                schema[name] = value!.DeepClone();
            if (key.IsNullable && schema["enum"] is JsonArray values)
                values.Add(null);
        }

        schema["type"] = key.IsNullable ? new JsonArray(type, "null") : type;
        if (key.NullText != "null")
        {
            // The word is a text; bounds bind numbers alone.
            schema["type"] = new JsonArray(type, "string");
            schema["pattern"] = $"^{key.NullText}$";
        }

        if (!key.IsRequired)
            schema["default"] = Value(key.Default);
        return schema;
    }

    private static JsonObject Item(ConfigurationKey key)
    {
        JsonObject item = new()
        {
            ["type"] = key.Kind switch
            {
                ConfigurationKind.Boolean => "boolean",
                ConfigurationKind.Integer => "integer",
                ConfigurationKind.Number => "number",
                _ => "string",
            },
        };
        if (key.Minimum is { } least)
            item["minimum"] = least;
        if (key.Maximum is { } most && most < long.MaxValue)
            item["maximum"] = most;
        JsonArray? allowed = key.AllowedValues is null ? null : new JsonArray([.. key.AllowedValues.Select(value => (JsonNode)value)]);
        string? pattern = key.Pattern is null ? null : $"^(?:{key.Pattern})$";
        if (allowed is not null && pattern is not null)
            item["anyOf"] = new JsonArray(new JsonObject { ["enum"] = allowed }, new JsonObject { ["pattern"] = pattern });
        else if (allowed is not null)
            item["enum"] = allowed;
        else if (pattern is not null)
            item["pattern"] = pattern;
        return item;
    }

    private static JsonNode? Value(object? value) => value switch
    {
        null => null,
        string text => text,
        bool flag => flag,
        int number => number,
        long number => number,
        double number => number,
        IEnumerable items => new JsonArray([.. items.Cast<object?>().Select(Value)]),
        _ => throw new ArgumentException($"The configuration can't hold a {value.GetType()}.", nameof(value)),
    };
}
