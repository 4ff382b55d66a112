using System.Text.RegularExpressions;

namespace RobustTrain.Reports;

/// <summary>
/// Reads the values of a run's <c>config.yaml</c>, which the trainer writes, a key a line and two spaces a level: that takes no reader of YAML,
/// which a shell may have loaded in another version.
/// </summary>
public static partial class RunSettings
{
    /// <summary>All values, as they are written, by their keys' dotted names, as <c>stages.epoch-4.data.crop_size</c>; in the file's order.</summary>
    /// <param name="configuration">The file's text.</param>
    public static IReadOnlyDictionary<string, string> All(string configuration)
    {
        Dictionary<string, string> settings = new(StringComparer.Ordinal);
        List<string> sections = [];
        foreach (Match line in configuration.Split('\n').Select(line => Line().Match(line.TrimEnd('\r'))).Where(line => line.Success))
        {
            int depth = Math.Min(line.Groups["indent"].Length / 2, sections.Count);
            sections.RemoveRange(depth, sections.Count - depth);
            string key = line.Groups["key"].Value;
            if (line.Groups["value"].Length > 0)
                settings[string.Join('.', [.. sections, key])] = line.Groups["value"].Value;
            else
                sections.Add(key);
        }

        return settings;
    }

    /// <summary>The items of the first list of a name; empty where there is none.</summary>
    /// <param name="configuration">The file's text.</param>
    /// <param name="key">The key, without its section.</param>
    public static IReadOnlyList<string> ListOf(string configuration, string key)
    {
        string[] lines = configuration.Split('\n');
        int at = Array.FindIndex(lines, line => line.TrimStart().StartsWith($"{key}:", StringComparison.Ordinal));
        if (at < 0)
            return [];
        string value = lines[at][(lines[at].IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        if (value.StartsWith('[') && value.EndsWith(']'))
            return [.. value[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Unquoted)];
        return value.Length > 0 ? [] : [.. lines.Skip(at + 1).TakeWhile(line => line.TrimStart().StartsWith("- ", StringComparison.Ordinal)).Select(line => Unquoted(line.TrimStart()[2..].Trim()))];
    }

    [GeneratedRegex("^(?<indent> *)(?<key>[^\\s:#]+):(?: (?<value>.*))?$")]
    private static partial Regex Line();

    private static string Unquoted(string text) =>
        text.Length >= 2 && text[0] == text[^1] && text[0] is '\'' or '"' ? text[1..^1].Replace("''", "'", StringComparison.Ordinal) : text;
}
