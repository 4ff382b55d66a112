using System.ComponentModel.DataAnnotations;
using RobustTrain.Platform;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RobustTrain.Configuration;

/// <summary>
/// Reads a configuration from YAML and from <c>key=value</c> settings, which win over the file. Everything is checked before it
/// returns: keys, types, ranges and what the root, if it is an <see cref="IValidatableObject"/>, demands of keys together. Relative paths are
/// resolved against the current directory.
/// </summary>
public static class ConfigurationReader
{
    /// <summary>Reads a file and settings.</summary>
    /// <typeparam name="T">The record at the root.</typeparam>
    /// <param name="path">The YAML file; null takes the defaults.</param>
    /// <param name="settings">Settings in the form <c>optimizer.learning_rate=0.01</c>, the value in YAML; the last wins.</param>
    /// <exception cref="ConfigurationException">There are mistakes; it names all that could be found.</exception>
    public static T Read<T>(string? path, IEnumerable<string> settings)
        where T : new() => new ConfigurationReader<T>().Add(path, settings).Finish(path, isComplete: true);

    /// <summary>Reads a file and settings that may still lack what must be given, to show them.</summary>
    /// <exception cref="ConfigurationException">There are mistakes; it names all that could be found.</exception>
    public static T ReadPartial<T>(string? path, IEnumerable<string> settings)
        where T : new() => new ConfigurationReader<T>().Add(path, settings).Finish(path, isComplete: false);

    /// <summary>Reads a text.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">What errors call the text, for example its file's path.</param>
    /// <exception cref="ConfigurationException">There are mistakes; it names all that could be found.</exception>
    public static T Parse<T>(string yaml, string source)
        where T : new()
    {
        ConfigurationReader<T> reader = new();
        reader.AddText(yaml, source);
        return reader.Finish(source, isComplete: true);
    }

    /// <summary>A configuration with other values for some keys. Each value is checked; what keys demand of each other is not.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="settings">Settings in the form <c>key=value</c>; the last wins.</param>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static T With<T>(T config, IEnumerable<string> settings)
        where T : new() => new ConfigurationReader<T>().AddValues(config).Add(null, settings).Filled();
}

/// <summary>One reading of a configuration.</summary>
internal sealed class ConfigurationReader<T>
    where T : new()
{
    private readonly Dictionary<string, object?> _values = [];
    private readonly Dictionary<string, string> _places = [];
    private readonly List<ConfigurationError> _errors = [];
    private readonly string _baseDirectory = Environment.CurrentDirectory;

    public ConfigurationReader<T> Add(string? path, IEnumerable<string> settings)
    {
        if (path is not null)
            AddText(ReadFile(path), path);
        foreach (string setting in settings)
            AddSetting(setting);
        return this;
    }

    public ConfigurationReader<T> AddValues(T config)
    {
        ConfigurationWriter.Visit(ConfigurationSchema<T>.Root, config!, (key, value) => _values[key.Path] = value);
        return this;
    }

    public T Filled()
    {
        if (_errors.Count > 0)
            throw new ConfigurationException(_errors);
        T config = new();
        Fill(config!, ConfigurationSchema<T>.Root);
        return config;
    }

    private static string ReadFile(string path)
    {
        if (Directory.Exists(path))
            throw Failure("ConfigurationNotFound", $"The configuration '{path}' is a folder; a YAML file is expected.");
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Failure("ConfigurationNotFound", $"The configuration file '{path}' doesn't exist.");
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw Failure("ConfigurationNotReadable", $"The configuration file '{path}' can't be read: {exception.Message}");
        }
    }

    private static ConfigurationException Failure(string errorId, string message) => new([new ConfigurationError(errorId, message, null)]);

    public void AddText(string yaml, string source)
    {
        string PlaceOf(YamlNode node) => $"{source}, line {node.Start.Line}";
        if (!TryParseYaml(yaml, line => $"{source}, line {line}", out YamlNode? root) || root is null)
            return;
        if (root is YamlMappingNode mapping)
            AddSection(mapping, ConfigurationSchema<T>.Root, PlaceOf);
        else
            Report("ConfigurationWrongType", $"{PlaceOf(root)}: the configuration is {ConfigurationValue.Describe(root)}, but must be keys and values, as 'name: my run'.", null);
    }

    private void AddSetting(string setting) => AddSetting(setting, $"--set {setting}");

    private void AddSetting(string setting, string place)
    {
        int equals = setting.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            Report("ConfigurationInvalidSetting", $"{place}: it must have the form key=value, as --set optimizer.learning_rate=0.01.", null);
            return;
        }

        string path = setting[..equals].Trim();
        if (SettingsOf(path) is var (stages, name, inner))
        {
            if (!TryParseYaml(setting[(equals + 1)..], _ => place, out YamlNode? given))
                return;
            if (inner.Length == 0 && (given is null || ConfigurationValue.IsNull(given)))
                RemoveNamedSettings(stages, name);
            else
                AddNamedSettings(stages, name, inner, given ?? new YamlScalarNode(""), _ => place);
            return;
        }

        if (MapOf(path) is { } map)
        {
            AddEntry(map, path[(map.Path.Length + 1)..], setting[(equals + 1)..], place);
            return;
        }

        if (ConfigurationSchema<T>.Find(path) is not { } key)
        {
            ReportUnknownKey(place, path, ConfigurationSchema<T>.Root);
            return;
        }

        if (!TryParseYaml(setting[(equals + 1)..], _ => place, out YamlNode? value))
            return;
        // What a setting replaces may be wrong.
        _errors.RemoveAll(error => error.Key == key.Path);
        AddValue(key, value ?? new YamlScalarNode(""), _ => place);
    }

    // The key of a map below which the path lies, as data.validation_sets.szada.
    private static ConfigurationKey? MapOf(string path) =>
        path.LastIndexOf('.') is var dot && dot > 0 && ConfigurationSchema<T>.Find(path[..dot]) is { IsMap: true } map ? map : null;

    // The mapping of settings below which the path lies, the name in it and the key below that, as stages, epoch-4 and criterion.name; the key may be empty.
    private static (ConfigurationKey Settings, string Name, string Key)? SettingsOf(string path)
    {
        if (ConfigurationSchema<T>.Values.FirstOrDefault(key => key.IsSettings && path.StartsWith(key.Path + ".", StringComparison.OrdinalIgnoreCase)) is not { } settings)
            return null;
        string[] parts = path[(settings.Path.Length + 1)..].Split('.', 2);
        return (settings, parts[0], parts.ElementAtOrDefault(1) ?? "");
    }

    // What one name of a mapping of settings is set to: as a whole, or one key of it.
    private void AddNamedSettings(ConfigurationKey settings, string name, string key, YamlNode node, Func<YamlNode, string> placeOf)
    {
        var former = _values.GetValueOrDefault(settings.Path) as IReadOnlyDictionary<string, IReadOnlyList<string>> ?? new Dictionary<string, IReadOnlyList<string>>();
        List<string> own = key.Length > 0 && former.TryGetValue(name, out IReadOnlyList<string>? there) ? [.. there] : [];
        try
        {
            ConfigurationValue.CheckName(settings, name);
            if (key.Length > 0)
                AddInner(settings, name, key, node, placeOf, own);
            else if (node is YamlMappingNode sections)
                AddInner(settings, name, "", sections, placeOf, own);
            else if (!ConfigurationValue.IsNull(node))
                AddTexts(settings, name, ConfigurationValue.ReadEntry(settings, name, node), placeOf(node), own);
        }
        catch (ConfigurationValueException problem)
        {
            Report(problem.ErrorId, $"{placeOf(node)}: {problem.Message}", settings.Path);
        }

        // In one order, however they were written: two configurations that say the same are the same.
        own.Sort(StringComparer.Ordinal);
        var all = new Dictionary<string, IReadOnlyList<string>>(former) { [name] = own };
        _values[settings.Path] = all.OrderBy(entry => entry.Key.Length).ThenBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary();
        _places[settings.Path] = placeOf(node);
    }

    private void RemoveNamedSettings(ConfigurationKey settings, string name)
    {
        if (_values.GetValueOrDefault(settings.Path) is IReadOnlyDictionary<string, IReadOnlyList<string>> former)
            _values[settings.Path] = former.Count > 1 || !former.ContainsKey(name) ? former.Where(entry => entry.Key != name).ToDictionary() : null;
    }

    private void AddTexts(ConfigurationKey settings, string name, IReadOnlyList<string> texts, string place, List<string> own)
    {
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                Report("ConfigurationInvalidSetting", $"{place}: '{settings.Path}.{name}' has '{text}', which must have the form key=value, or be a section with its keys.", settings.Path);
            else if (TryParseYaml(text[(equals + 1)..], _ => place, out YamlNode? node))
                AddInner(settings, name, text[..equals].Trim(), node ?? new YamlScalarNode(""), _ => place, own);
        }
    }

    // A key, or a section with keys; its value is read as the key itself reads it, so that a relative path is made a full one here and now.
    private void AddInner(ConfigurationKey settings, string name, string path, YamlNode node, Func<YamlNode, string> placeOf, List<string> own)
    {
        ConfigurationKey? key = path.Length == 0 ? null : ConfigurationSchema<T>.Find(path);
        if (path.Length > 0 && key is null)
        {
            int dot = path.LastIndexOf('.');
            ConfigurationSection? section = dot < 0 ? null : ConfigurationSchema<T>.Find(path[..dot])?.Section;
            ReportUnknownKey(placeOf(node), section is null ? path : path[(dot + 1)..], section ?? ConfigurationSchema<T>.Root);
        }
        else if (node is YamlMappingNode mapping && (key is null || key.Section is not null))
        {
            foreach ((YamlNode innerName, YamlNode value) in mapping)
                AddInner(settings, name, path.Length == 0 ? $"{innerName}" : $"{key!.Path}.{innerName}", value, placeOf, own);
        }
        else if (key is null || key.Section is not null)
        {
            if (!ConfigurationValue.IsNull(node))
                Report("ConfigurationWrongType", $"{placeOf(node)}: '{settings.Path}.{name}{(key is null ? "" : $".{key.Path}")}' is {ConfigurationValue.Describe(node)}, but must be sections and keys.", settings.Path);
        }
        else
        {
            try
            {
                own.RemoveAll(setting => setting.StartsWith($"{key.Path}=", StringComparison.Ordinal));
                own.Add($"{key.Path}={ConfigurationWriter.Format(key, ConfigurationValue.Read(key, node, _baseDirectory))}");
            }
            catch (ConfigurationValueException problem)
            {
                Report(problem.ErrorId, $"{placeOf(node)}: in '{settings.Path}.{name}': {problem.Message}", settings.Path);
            }
        }
    }

    private void AddEntry(ConfigurationKey map, string name, string yaml, string place)
    {
        if (!TryParseYaml(yaml, _ => place, out YamlNode? node))
            return;
        try
        {
            var former = _values.GetValueOrDefault(map.Path) as IReadOnlyDictionary<string, IReadOnlyList<string>>;
            _values[map.Path] = new Dictionary<string, IReadOnlyList<string>>(former ?? new Dictionary<string, IReadOnlyList<string>>())
            {
                [name] = ConfigurationValue.ReadEntry(map, name, node ?? new YamlScalarNode("")),
            };
            _places[map.Path] = place;
        }
        catch (ConfigurationValueException problem)
        {
            Report(problem.ErrorId, $"{place}: {problem.Message}", map.Path);
        }
    }

    // The root is null where the text holds nothing but comments.
    private bool TryParseYaml(string yaml, Func<long, string> placeOf, out YamlNode? root)
    {
        root = null;
        try
        {
            YamlStream stream = [];
            stream.Load(new StringReader(yaml));
            root = stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
            if (stream.Documents.Count <= 1)
                return true;
            Report("ConfigurationInvalidYaml", $"{placeOf(stream.Documents[1].RootNode.Start.Line)}: a second YAML document begins here, but a configuration is one.", null);
        }
        catch (YamlException exception) when (exception.Message.Contains("Duplicate key", StringComparison.OrdinalIgnoreCase))
        {
            string name = TextAt(yaml, exception.Start, exception.End);
            Report("ConfigurationDuplicateKey", $"{placeOf(exception.Start.Line)}: the key '{name}' is given twice in the same section.", name);
        }
        catch (YamlException exception)
        {
            Report("ConfigurationInvalidYaml", $"{placeOf(LineOf(exception, yaml))}: this is not valid YAML: {Sentence(exception)}", null);
        }

        return false;
    }

    private static string TextAt(string yaml, Mark start, Mark end) => yaml[(int)start.Index..(int)end.Index];

    // YamlDotNet places an indentation by tabs and an alias without an anchor at the beginning of the text.
    private static long LineOf(YamlException exception, string yaml)
    {
        string[] lines = yaml.Split('\n');
        int found = exception switch
        {
            AnchorNotFoundException => Array.FindIndex(lines, line => line.Contains($"*{exception.Message.Split('\'')[1]}", StringComparison.Ordinal)),
            _ when exception.Message.Contains(" tab ", StringComparison.Ordinal) =>
                Array.FindIndex(lines, line => line[..^line.TrimStart().Length].Contains('\t', StringComparison.Ordinal)),
            _ => -1,
        };
        return found < 0 ? exception.Start.Line : found + 1;
    }

    private static string Sentence(YamlException exception) => exception.Message.Trim().TrimEnd('.') + ".";

    private void AddSection(YamlMappingNode mapping, ConfigurationSection section, Func<YamlNode, string> placeOf)
    {
        Dictionary<string, string> seen = [];
        foreach ((YamlNode keyNode, YamlNode value) in mapping)
        {
            string place = placeOf(keyNode);
            if (keyNode is not YamlScalarNode { Value: { } name })
            {
                Report("ConfigurationUnknownKey", $"{place}: a key must be a name, but is {ConfigurationValue.Describe(keyNode)}.", null);
            }
            else if (section.Find(name) is not { } key)
            {
                ReportUnknownKey(place, name, section);
            }
            else if (!seen.TryAdd(key.Name, name))
            {
                Report("ConfigurationDuplicateKey", $"{place}: '{name}' is another name of '{key.Path}', which is given already as '{seen[key.Name]}'.", key.Path);
            }
            else
            {
                AddValue(key, value, placeOf);
            }
        }
    }

    private void AddValue(ConfigurationKey key, YamlNode node, Func<YamlNode, string> placeOf)
    {
        string place = placeOf(node);
        if (key.Section is { } section)
        {
            if (node is YamlMappingNode mapping)
                AddSection(mapping, section, placeOf);
            else if (!ConfigurationValue.IsNull(node))
                Report("ConfigurationWrongType", $"{place}: '{key.Path}' is {ConfigurationValue.Describe(node)}, but must be {ConfigurationDocumentation.Expectation(key)}.", key.Path);
            return;
        }

        if (key.IsSettings && node is YamlMappingNode named)
        {
            _values[key.Path] = new Dictionary<string, IReadOnlyList<string>>();
            _places[key.Path] = place;
            foreach ((YamlNode name, YamlNode value) in named)
                AddNamedSettings(key, $"{name}", "", value, placeOf);
            return;
        }

        try
        {
            _values[key.Path] = ConfigurationValue.Read(key, node, _baseDirectory);
            _places[key.Path] = place;
        }
        catch (ConfigurationValueException problem)
        {
            Report(problem.ErrorId, $"{place}: {problem.Message}", key.Path);
        }
    }

    private void ReportUnknownKey(string place, string name, ConfigurationSection section)
    {
        // Of a dotted name the keys of the innermost section that there is are of use: those at the top are not what was meant.
        ConfigurationSection innermost = section;
        foreach (string part in name.Split('.').SkipLast(1))
        {
            if (innermost.Find(part)?.Section is not { } inner)
                break;
            innermost = inner;
        }

        string listed = innermost == section ? "it" : $"'{innermost.Path}'";
        string owner = section.Path.Length == 0 ? "The configuration" : $"'{section.Path}'";
        string hint = DifferenceOf(name)
            ?? (Suggest(name, section) is { } nearest ? $"did you mean '{nearest}'?" : $"{listed} has {string.Join(", ", innermost.Keys.Select(key => key.Name))}.");
        Report("ConfigurationUnknownKey", $"{place}: {owner} has no key '{name}'; {hint}", section.Path.Length == 0 ? name : $"{section.Path}.{name}");
    }

    private static string? DifferenceOf(string name) =>
        ConfigurationSchema<T>.Values.Select(key => key.ForeignNames.GetValueOrDefault(name.Split('.')[^1])).FirstOrDefault(difference => difference is not null);

    // First the neighbours, then the same name in another section, then anything near by its full path.
    private static string? Suggest(string name, ConfigurationSection section)
    {
        string last = name.Split('.')[^1];
        return NearestName.Of(name, section.Keys.Select(key => key.Name))
            ?? ConfigurationSchema<T>.Values.FirstOrDefault(key => key.Name == last || key.Aliases.Contains(last))?.Path
            ?? NearestName.Of(name, ConfigurationSchema<T>.Values.Select(key => key.Path));
    }

    private void Report(string errorId, string message, string? key) => _errors.Add(new ConfigurationError(errorId, message, key));

    public T Finish(string? source, bool isComplete)
    {
        if (_errors.Count == 0)
        {
            T config = new();
            Fill(config!, ConfigurationSchema<T>.Root);
            if (config is IPresetConfiguration presetting)
                AddPresets(config, presetting.Presets);
            if (isComplete)
                ReportMissing(source);
            foreach (ValidationResult conflict in config is IValidatableObject checkable ? checkable.Validate(new ValidationContext(checkable)) : [])
            {
                string key = conflict.MemberNames.First();
                string place = _places.GetValueOrDefault(key) ?? source ?? "the defaults";
                Report("ConfigurationInconsistent", $"{place}: {conflict.ErrorMessage}", key);
            }

            if (_errors.Count == 0)
                return config;
        }

        throw new ConfigurationException(_errors);
    }

    private void AddPresets(T config, IEnumerable<string> presets)
    {
        foreach (string preset in presets.Where(preset => !_values.ContainsKey(preset[..preset.IndexOf('=', StringComparison.Ordinal)])))
            AddSetting(preset, $"the default {preset}");
        Fill(config!, ConfigurationSchema<T>.Root);
    }

    private void ReportMissing(string? source)
    {
        foreach (ConfigurationKey key in ConfigurationSchema<T>.Values.Where(key => key.IsRequired && !_values.ContainsKey(key.Path)))
        {
            string place = source is null ? "" : $"{source}: ";
            Report(
                "ConfigurationMissingKey",
                $"{place}'{key.Path}' is not given, but must be {ConfigurationDocumentation.Expectation(key)}; --set {key.Path}=... gives it too.",
                key.Path);
        }
    }

    private void Fill(object record, ConfigurationSection section)
    {
        foreach (ConfigurationKey key in section.Keys)
        {
            if (key.Section is { } inner)
                Fill(key.Get(record)!, inner);
            else if (_values.TryGetValue(key.Path, out object? value))
                key.Set(record, value);
        }
    }
}
