using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace RobustTrain.Configuration;

/// <summary>Values as YAML scalars that read back as the same value of the same type (YAML 1.2, core schema).</summary>
internal static partial class YamlScalar
{
    /// <summary>Whether a plain scalar means null.</summary>
    public static bool IsNull(string plain) => plain is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>A value of the configuration.</summary>
    public static string Format(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text => Text(text),
        IReadOnlyDictionary<string, IReadOnlyList<string>> map => $"{{{string.Join(", ", map.Select(entry => $"{Text(entry.Key)}: {Format(entry.Value)}"))}}}",
        System.Collections.IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Format))}]",
        _ => throw new ArgumentException($"The configuration can't hold a {value.GetType()}.", nameof(value)),
    };

    // Anything that a reader could take for another type, or for YAML's own signs, is quoted.
    private static string Text(string text) => PlainText().IsMatch(text) && !AnotherType().IsMatch(text) ? text : Quoted(text);

    private static string Quoted(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                _ when IsPrintable(rune) => rune.ToString(),
                <= 0xFFFF => $"\\u{rune.Value:x4}",
                _ => $"\\U{rune.Value:x8}",
            });
        }

        return quoted.Append('"').ToString();
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate);

    [GeneratedRegex(@"^[A-Za-z_./][A-Za-z0-9_./-]*\z")]
    private static partial Regex PlainText();

    [GeneratedRegex(@"^([.0-9].*|null|true|false|yes|no|on|off|y|n)\z", RegexOptions.IgnoreCase)]
    private static partial Regex AnotherType();
}
