using System.Globalization;
using System.Text.RegularExpressions;
using RobustTrain.Platform;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RobustTrain.Configuration;

/// <summary>Turns YAML nodes into values of a key's type, or says what is wrong with them.</summary>
internal static class ConfigurationValue
{
    private static readonly TimeSpan s_patternTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Reads the value of a key.</summary>
    /// <exception cref="ConfigurationValueException">It is of the wrong type or out of range.</exception>
    public static object? Read(ConfigurationKey key, YamlNode node, string baseDirectory)
    {
        if (key.NullText != "null" && node is YamlScalarNode scalar && key.NullText.Equals(scalar.Value, StringComparison.OrdinalIgnoreCase))
            return null;
        if (IsNull(node))
            return key.IsNullable ? null : throw WrongType(key, $"'{key.Path}'", node);
        if (key.IsMap)
            return ReadMap(key, node);
        if (!key.IsList)
            return ReadItem(key, node, $"'{key.Path}'", ElementType(key), baseDirectory);
        if (node is not YamlSequenceNode sequence)
            throw WrongType(key, $"'{key.Path}'", node);
        if (key.ItemCount is { } count && sequence.Children.Count != count)
        {
            throw new ConfigurationValueException(
                "ConfigurationOutOfRange",
                $"'{key.Path}' has {sequence.Children.Count} items, but must be {ConfigurationDocumentation.Expectation(key)}.");
        }

        Type element = ElementType(key);
        Array items = Array.CreateInstance(element, sequence.Children.Count);
        for (int index = 0; index < items.Length; index++)
            items.SetValue(ReadItem(key, sequence.Children[index], $"item {index + 1} of '{key.Path}'", element, baseDirectory), index);
        return items;
    }

    /// <summary>Reads the texts of one name of a map.</summary>
    /// <exception cref="ConfigurationValueException">The name is not a valid one, or a value is not a text.</exception>
    public static IReadOnlyList<string> ReadEntry(ConfigurationKey key, string? name, YamlNode node)
    {
        CheckName(key, name);
        string subject = $"'{key.Path}.{name}'";
        IEnumerable<YamlNode> items = node is YamlSequenceNode sequence ? sequence.Children : [node];
        return [.. items.Select(item => item is YamlScalarNode scalar && !IsNull(item)
            ? scalar.Value!
            : throw new ConfigurationValueException("ConfigurationWrongType", $"{subject} holds {Describe(item)}, but must be a list of texts."))];
    }

    /// <summary>Checks a name of a map.</summary>
    /// <exception cref="ConfigurationValueException">It is not a valid one.</exception>
    public static void CheckName(ConfigurationKey key, string? name)
    {
        if (name is null || !Matches(key.Pattern!, name))
            throw new ConfigurationValueException("ConfigurationNotAllowed", $"'{key.Path}' has the name '{name}', but a name must be {key.PatternText}.");
    }

    /// <summary>Whether a node is YAML's null.</summary>
    public static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any } scalar && YamlScalar.IsNull(scalar.Value ?? "");

    /// <summary>A node in words, as what was found.</summary>
    public static string Describe(YamlNode node) => node switch
    {
        YamlMappingNode => "a section",
        YamlSequenceNode => "a list",
        YamlScalarNode when IsNull(node) => "empty",
        YamlScalarNode { Style: ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted } scalar => $"the quoted text '{scalar.Value}'",
        YamlScalarNode scalar => $"'{scalar.Value}'",
        _ => $"a {node.NodeType}",
    };

    private static Dictionary<string, IReadOnlyList<string>> ReadMap(ConfigurationKey key, YamlNode node) => node is YamlMappingNode mapping
        ? mapping.Select(entry => (Name: (entry.Key as YamlScalarNode)?.Value, entry.Value)).ToDictionary(entry => entry.Name!, entry => ReadEntry(key, entry.Name, entry.Value))
        : throw WrongType(key, $"'{key.Path}'", node);

    private static bool Matches(string pattern, string text) => Regex.IsMatch(text, $@"^(?:{pattern})\z", RegexOptions.CultureInvariant, s_patternTimeout);

    private static Type ElementType(ConfigurationKey key) => key.IsList ? key.ValueType.GetGenericArguments()[0] : key.ValueType;

    private static object ReadItem(ConfigurationKey key, YamlNode node, string subject, Type type, string baseDirectory)
    {
        if (node is not YamlScalarNode scalar || IsNull(node))
            throw WrongType(key, subject, node);
        string text = scalar.Value ?? "";
        bool isPlain = scalar.Style is ScalarStyle.Plain or ScalarStyle.Any;
        return key.Kind switch
        {
            ConfigurationKind.Text => ReadText(key, text, subject, baseDirectory),
            ConfigurationKind.Boolean when isPlain && text is "true" or "True" or "TRUE" => true,
            ConfigurationKind.Boolean when isPlain && text is "false" or "False" or "FALSE" => false,
            ConfigurationKind.Integer when isPlain => ReadInteger(key, node, text, subject, type),
            ConfigurationKind.Number when isPlain => ReadNumber(key, node, text, subject),
            _ => throw WrongType(key, subject, node),
        };
    }

    private static object ReadInteger(ConfigurationKey key, YamlNode node, string text, string subject, Type type)
    {
        const NumberStyles style = NumberStyles.AllowLeadingSign;
        if (!Int128.TryParse(text, style, CultureInfo.InvariantCulture, out Int128 number))
            throw WrongType(key, subject, node);
        bool isInType = type == typeof(int) ? number >= int.MinValue && number <= int.MaxValue : number >= long.MinValue && number <= long.MaxValue;
        if (!isInType || (double)number < key.Minimum || (double)number > key.Maximum)
            throw OutOfRange(key, text, subject);
        return type == typeof(int) ? (object)(int)number : (long)number;
    }

    private static double ReadNumber(ConfigurationKey key, YamlNode node, string text, string subject)
    {
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool isNamed = text.TrimStart('-', '+') is ".inf" or ".Inf" or ".INF" or ".nan" or ".NaN" or ".NAN";
        if (!isNamed && text.Any(char.IsAsciiLetter) && !text.All(letter => letter is 'e' or 'E' || !char.IsAsciiLetter(letter)))
            throw WrongType(key, subject, node);
        if (isNamed)
            throw OutOfRange(key, text, subject);
        if (!double.TryParse(text, style, CultureInfo.InvariantCulture, out double number))
            throw WrongType(key, subject, node);
        if (!double.IsFinite(number) || number < key.Minimum || number > key.Maximum)
            throw OutOfRange(key, text, subject);
        return number;
    }

    private static string ReadText(ConfigurationKey key, string text, string subject, string baseDirectory)
    {
        // The words that a key knows are read in any letter case, and kept as it writes them.
        text = key.AllowedValues?.FirstOrDefault(word => word.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? text;
        if (key.Pattern is { } form && !Matches(form, text) && Matches(form, WordsInLowerCase(text)))
            text = WordsInLowerCase(text);
        if (key.AllowedValues is { } allowed && !allowed.Contains(text) && (key.Pattern is null || !Matches(key.Pattern, text)))
        {
            string hint = NearestName.Of(text, allowed) is { } nearest ? $"; did you mean '{nearest}'?" : ".";
            throw new ConfigurationValueException("ConfigurationNotAllowed", $"{subject} is '{text}', but must be {ConfigurationDocumentation.ItemExpectation(key, "")}{hint}");
        }

        if (key.AllowedValues is null && key.Pattern is { } pattern && !Matches(pattern, text))
            throw new ConfigurationValueException("ConfigurationNotAllowed", $"{subject} is '{text}', but must be {ConfigurationDocumentation.ItemExpectation(key, "")}.");
        if (!key.IsPath)
            return text;
        if (text.Length == 0 || text.Contains('\0'))
            throw new ConfigurationValueException("ConfigurationNotAllowed", $"{subject} is '{text}', but must be a path.");
        return Path.GetFullPath(text, baseDirectory);
    }

    // What stands before a slash is a name that the user gave, as north in north/f1.
    private static string WordsInLowerCase(string text) =>
        string.Concat(text.AsSpan(0, text.LastIndexOf('/') + 1), text[(text.LastIndexOf('/') + 1)..].ToLowerInvariant());

    private static ConfigurationValueException WrongType(ConfigurationKey key, string subject, YamlNode node) =>
        new("ConfigurationWrongType", $"{subject} is {Describe(node)}, but must be {ExpectationOf(key, subject)}.");

    private static ConfigurationValueException OutOfRange(ConfigurationKey key, string text, string subject) =>
        new("ConfigurationOutOfRange", $"{subject} is {text}, but must be {ExpectationOf(key, subject)}.");

    private static string ExpectationOf(ConfigurationKey key, string subject) => subject.StartsWith('\'')
        ? ConfigurationDocumentation.Expectation(key)
        : ConfigurationDocumentation.ItemExpectation(key, "");
}

/// <summary>A value is not what its key allows; the reader adds where it stands.</summary>
internal sealed class ConfigurationValueException(string errorId, string message) : Exception(message)
{
    public string ErrorId { get; } = errorId;
}
