using System.Globalization;
using System.Text;

namespace RobustTrain.Configuration;

/// <summary>Says in words what a key is and may be.</summary>
public static class ConfigurationDocumentation
{
    // With the indentation and the sign of a comment before it a line has no more than 80 columns.
    private const int CommentWidth = 72;

    /// <summary>What a value must be, for example <c>a number from 0 to 1</c> or <c>one of sgd, adam, adamw</c>.</summary>
    public static string Expectation(ConfigurationKey key)
    {
        string count = !key.IsList ? "" : key.ItemCount is { } items ? $"a list of {items}, each " : "a list, each item ";
        string value = key.IsSettings ? $"names ({key.PatternText}), each with sections and keys of this configuration" : key.IsMap ? "names, each with a list of texts" : ItemExpectation(key, count);
        return key.IsNullable ? $"{value}, or {key.NullText}" : value;
    }

    /// <summary>What one item of a list, or the value itself, must be.</summary>
    internal static string ItemExpectation(ConfigurationKey key, string prefix) => prefix + key.Kind switch
    {
        ConfigurationKind.Section => "a section with the keys " + string.Join(", ", key.Section!.Keys.Select(inner => inner.Name)),
        ConfigurationKind.Boolean => "true or false",
        ConfigurationKind.Integer => "a whole number" + RangeOf(key),
        ConfigurationKind.Number => "a number" + RangeOf(key),
        _ when key.AllowedValues is { } allowed => "one of " + string.Join(", ", allowed) + (key.PatternText is null ? "" : $", or {key.PatternText}"),
        _ when key.PatternText is { } text => text,
        _ when key.IsPath => "a path",
        _ => "a text",
    };

    /// <summary>The lines of the comment above a key, without the sign of the comment.</summary>
    internal static IEnumerable<string> CommentLines(ConfigurationKey key)
    {
        string expectation = key.Section is null && !IsFreeText(key) ? $" {Capital(Expectation(key))}." : "";
        string aliases = key.Aliases.Count > 0 ? $" Also called {string.Join(", ", key.Aliases)}." : "";
        string free = key.IsFreeOnResume ? " May change when a run goes on." : "";
        return Wrap(key.Description + expectation + aliases + free);
    }

    private static bool IsFreeText(ConfigurationKey key) =>
        key.Kind == ConfigurationKind.Text && !key.IsList && key.AllowedValues is null && key.Pattern is null && !key.IsNullable;

    private static string RangeOf(ConfigurationKey key) => (key.Minimum, key.Maximum) switch
    {
        (null, null) => "",
        ({ } least, >= long.MaxValue) => $" of {Text(least)} or more",
        var (least, most) => $" from {Text(least!.Value)} to {Text(most!.Value)}",
    };

    private static string Text(double number) => number.ToString("0.################", CultureInfo.InvariantCulture);

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static IEnumerable<string> Wrap(string text)
    {
        StringBuilder line = new();
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > CommentWidth)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
