using System.Security.Cryptography;
using System.Text;

namespace RobustTrain.Configuration;

/// <summary>Writes a configuration with every key, defaults included.</summary>
public static class ConfigurationWriter
{
    /// <summary>The canonical YAML text: the same configuration gives the same text, and reading it gives the same configuration.</summary>
    public static string Write<T>(T config) where T : new() => Write(config, isDocumented: false);

    /// <summary>The same with a comment above each key that says what it means and what it may be.</summary>
    public static string WriteDocumented<T>(T config) where T : new() => Write(config, isDocumented: true);

    /// <summary>SHA-256 of the canonical text in UTF-8, in lower-case hexadecimal.</summary>
    public static string Digest<T>(T config) where T : new() =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Write(config))));

    /// <summary>A value as YAML that reads back as the same value, for a setting <c>key=value</c>.</summary>
    public static string Quote(object? value) => YamlScalar.Format(value);

    /// <summary>The keys, by dotted path, whose values differ between two configurations.</summary>
    public static IReadOnlyList<ConfigurationDifference> Differences<T>(T left, T right)
        where T : new()
    {
        IReadOnlyDictionary<string, string> leftValues = Values(left);
        return [.. Values(right)
            .Where(value => leftValues[value.Key] != value.Value)
            .Select(value => new ConfigurationDifference(value.Key, leftValues[value.Key], value.Value))];
    }

    /// <summary>The values of a configuration as YAML, by the dotted paths of their keys.</summary>
    public static IReadOnlyDictionary<string, string> Values<T>(T config)
        where T : new()
    {
        Dictionary<string, string> values = [];
        Visit(ConfigurationSchema<T>.Root, config!, (key, value) => values[key.Path] = Format(key, value));
        return values;
    }

    /// <summary>The value of a key as YAML.</summary>
    internal static string Format(ConfigurationKey key, object? value) => value is null ? key.NullText : YamlScalar.Format(value);

    /// <summary>Calls for each key with its value in a record.</summary>
    internal static void Visit(ConfigurationSection section, object record, Action<ConfigurationKey, object?> visit)
    {
        foreach (ConfigurationKey key in section.Keys)
        {
            object? value = key.Get(record);
            if (key.Section is null)
                visit(key, value);
            else
                Visit(key.Section, value!, visit);
        }
    }

    private static string Write<T>(T config, bool isDocumented)
        where T : new()
    {
        StringBuilder text = new();
        Write(text, ConfigurationSchema<T>.Root, config!, depth: 0, isDocumented);
        return text.ToString();
    }

    private static void Write(StringBuilder text, ConfigurationSection section, object record, int depth, bool isDocumented)
    {
        string indent = new(' ', depth * 2);
        foreach (ConfigurationKey key in section.Keys)
        {
            object? value = key.Get(record);
            if (isDocumented)
            {
                if (key.Section is not null && text.Length > 0)
                    text.Append('\n');
                foreach (string line in ConfigurationDocumentation.CommentLines(key))
                    text.Append(indent).Append("# ").Append(line).Append('\n');
            }

            if (key.IsSettings && value is IReadOnlyDictionary<string, IReadOnlyList<string>> { Count: > 0 } named)
            {
                text.Append(indent).Append(key.Name).Append(":\n");
                foreach ((string name, IReadOnlyList<string> settings) in named)
                    WriteSettings(text, name, settings, depth + 1);
            }
            else if (key.Section is null)
            {
                text.Append(indent).Append(key.Name).Append(": ").Append(Format(key, value)).Append('\n');
            }
            else
            {
                text.Append(indent).Append(key.Name).Append(":\n");
                Write(text, key.Section, value!, depth + 1, isDocumented);
            }
        }
    }

    // In sections, as a file may have them: a key a line.
    private static void WriteSettings(StringBuilder text, string name, IReadOnlyList<string> settings, int depth)
    {
        text.Append(' ', depth * 2).Append(name).Append(settings.Count == 0 ? ": []\n" : ":\n");
        string[] open = [];
        foreach (string setting in settings)
        {
            int equals = setting.IndexOf('=', StringComparison.Ordinal);
            string[] path = setting[..equals].Split('.');
            int common = open.Zip(path).TakeWhile(parts => parts.First == parts.Second).Count();
            for (int level = common; level < path.Length; level++)
                text.Append(' ', (depth + 1 + level) * 2).Append(path[level]).Append(level < path.Length - 1 ? ":\n" : $": {setting[(equals + 1)..]}\n");
            open = path[..^1];
        }
    }
}

/// <summary>A key whose values differ between two configurations.</summary>
/// <param name="Path">The dotted key.</param>
/// <param name="Left">The value in the first, as YAML.</param>
/// <param name="Right">The value in the second, as YAML.</param>
public sealed record ConfigurationDifference(string Path, string Left, string Right);
