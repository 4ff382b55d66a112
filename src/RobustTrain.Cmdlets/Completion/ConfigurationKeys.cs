using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Completion;

/// <summary>
/// The keys of the configuration, from the JSON Schema that stands in the module's folder: the records that declare them are the trainer's,
/// which the shell does not load.
/// </summary>
internal static class ConfigurationKeys
{
    private static readonly Lazy<(IReadOnlyDictionary<string, ConfigurationKeyHelp> All, IReadOnlyDictionary<string, ConfigurationKeyHelp> OfStages)> s_keys = new(Read);

    /// <summary>Every key that holds a value, in the schema's order.</summary>
    public static IEnumerable<ConfigurationKeyHelp> All => s_keys.Value.All.Values.Distinct();

    /// <summary>Those of them that a stage of a training may change.</summary>
    public static IEnumerable<ConfigurationKeyHelp> OfStages => s_keys.Value.OfStages.Values.Distinct();

    /// <summary>The key of a dotted path, by its name or another of its names, in any letter case; null where there is none.</summary>
    public static ConfigurationKeyHelp? Find(string path) => s_keys.Value.All.GetValueOrDefault(path);

    private static (IReadOnlyDictionary<string, ConfigurationKeyHelp> All, IReadOnlyDictionary<string, ConfigurationKeyHelp> OfStages) Read()
    {
        string folder = Path.GetDirectoryName(typeof(ConfigurationKeys).Assembly.Location)!;
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "..", "configuration.schema.json")));
        JsonElement stage = schema.RootElement.GetProperty("properties").GetProperty("stages").GetProperty("additionalProperties").GetProperty("anyOf")[0];
        return (Below(schema.RootElement), Below(stage));

        static Dictionary<string, ConfigurationKeyHelp> Below(JsonElement section)
        {
            Dictionary<string, ConfigurationKeyHelp> keys = new(StringComparer.OrdinalIgnoreCase);
            Add(keys, section, "");
            return keys;
        }
    }

    private static void Add(Dictionary<string, ConfigurationKeyHelp> keys, JsonElement section, string prefix)
    {
        ConfigurationKeyHelp? last = null;
        foreach (JsonProperty property in section.GetProperty("properties").EnumerateObject())
        {
            string path = prefix + property.Name;
            if (property.Value.TryGetProperty("properties", out _))
                Add(keys, property.Value, path + ".");
            else if (property.Value.TryGetProperty("deprecated", out _))
                keys.Add(path, last!);
            else
                keys.Add(path, last = new ConfigurationKeyHelp(path, property.Value.GetProperty("description").GetString()!, [.. ValuesOf(property.Value)], property.Value.TryGetProperty("format", out _)));
        }
    }

    // The words that are allowed, of the items where the key is a list.
    private static IEnumerable<string> ValuesOf(JsonElement key)
    {
        if (key.TryGetProperty("items", out JsonElement items))
            key = items;
        foreach (JsonElement choice in key.TryGetProperty("anyOf", out JsonElement choices) ? [.. choices.EnumerateArray()] : (JsonElement[])[key])
        {
            if (choice.TryGetProperty("const", out JsonElement word))
                yield return word.GetString()!;
            if (!choice.TryGetProperty("enum", out JsonElement words))
                continue;
            foreach (JsonElement allowed in words.EnumerateArray().Where(allowed => allowed.ValueKind == JsonValueKind.String))
                yield return allowed.GetString()!;
        }

        if (key.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("boolean"))
        {
            yield return "true";
            yield return "false";
        }
    }
}

/// <summary>What a cmdlet knows of a key.</summary>
/// <param name="Path">Its dotted name.</param>
/// <param name="Description">What it means.</param>
/// <param name="Values">The words that it may be set to.</param>
/// <param name="IsPath">Whether it names a file or a folder.</param>
internal sealed record ConfigurationKeyHelp(string Path, string Description, IReadOnlyList<string> Values, bool IsPath);

/// <summary>Keys of the configuration for -Set, and after the equals sign their allowed values.</summary>
public sealed partial class SettingCompleter : ListCompleter
{
    private static readonly (string Value, string Meaning)[] s_stages =
    [
        ("stages.epoch-", "A stage that begins after so many epochs, as stages.epoch-4.criterion.name."),
        ("stages.step-", "A stage that begins after so many steps, where trainer.total_iter is given."),
    ];

    [GeneratedRegex(@"^stages\.(epoch|step)-[0-9]+(?<dot>\.)?", RegexOptions.IgnoreCase)]
    private static partial Regex Stage();

    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        int equals = word.IndexOf('=');
        Match stage = Stage().Match(word);
        if (equals >= 0)
            return (ConfigurationKeys.Find(word[(stage.Groups["dot"].Success ? stage.Length : 0)..equals]) is { } key ? PluginNames.With(key, bound) : []).Select(value => ($"{word[..equals]}={value}", value));
        if (stage.Groups["dot"].Success)
            return ConfigurationKeys.OfStages.Select(key => ($"{stage.Value}{key.Path}=", key.Description));
        (string, string)[] stages = stage.Success ? [($"{stage.Value}.", "The keys that it may change.")] : s_stages;
        return ConfigurationKeys.All.Select(key => ($"{key.Path}=", key.Description)).Concat(stages);
    }
}

/// <summary>The values that the configuration allows for the key that a parameter sets.</summary>
public sealed class ConfigurationValueCompleter : ListCompleter
{
    private protected override IEnumerable<(string Value, string Meaning)> Candidates(string parameter, string word, IDictionary bound)
    {
        ConfigurationKeyHelp? key = ConfigurationKeyAttribute.OfParameters.TryGetValue(parameter, out string? path) ? ConfigurationKeys.Find(path) : null;
        return key is null ? [] : PluginNames.With(key, bound).Select(value => (value, key.Description));
    }
}

/// <summary>The names that plug-ins bring, which only the executable can load.</summary>
internal static class PluginNames
{
    private const string Key = "plugins";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    /// <summary>The values of a key, and where the configuration that is typed has plug-ins, those that are valid with them.</summary>
    public static IEnumerable<string> With(ConfigurationKeyHelp key, IDictionary bound)
    {
        string[] settings = [.. TextsOf(bound["Set"]).Where(setting => setting.StartsWith(Key + "=", StringComparison.OrdinalIgnoreCase) || setting.StartsWith("task=", StringComparison.OrdinalIgnoreCase))];
        if (ListCompleter.CurrentFolder() is not { } here)
            return key.Values;
        string? file = TextsOf(bound["ConfigurationPath"]).Select(path => Path.Combine(here, path)).FirstOrDefault(File.Exists);
        bool hasPlugins = settings.Any(setting => setting.StartsWith(Key, StringComparison.OrdinalIgnoreCase))
            || (file is not null && File.ReadLines(file).Any(line => line.StartsWith(Key + ":", StringComparison.OrdinalIgnoreCase)));
        // A completion that fails offers what there is without plug-ins; the cmdlet then says what is wrong.
        return hasPlugins && Ask(here, key.Path, file, settings) is { Length: > 0 } names ? names : key.Values;
    }

    private static IEnumerable<string> TextsOf(object? value) => value switch
    {
        string text => [text],
        IEnumerable many => many.Cast<object?>().Select(item => item?.ToString() ?? ""),
        _ => [],
    };

    private static string[]? Ask(string folder, string key, string? file, string[] settings)
    {
        try
        {
            ProcessStartInfo start = ChildProcess.AwayFromTerminal(
                HostExecutable.Find(), ["config", "values", key, .. file is null ? (string[])[] : [file], .. settings.SelectMany(setting => (string[])["--set", setting])]);
            start.WorkingDirectory = folder;
            start.RedirectStandardOutput = true;
            using ChildProcess host = ChildProcess.Start(start);
            Task<string> output = host.Output.ReadToEndAsync();
            if (host.WaitForExit(s_limit) == 0)
                return output.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            host.Kill();
            return null;
        }
        catch (Exception refused) when (refused is RunException or Win32Exception or IOException)
        {
            return null;
        }
    }
}
