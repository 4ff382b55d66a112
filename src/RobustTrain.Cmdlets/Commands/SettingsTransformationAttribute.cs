using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text;
using RobustTrain.Cmdlets.Output;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Takes -Set as people write it, <c>@{ 'loader.batch_size' = 8 }</c>, <c>@{ loader = @{ batch_size = 8 } }</c> or <c>'loader.batch_size=8'</c>, into settings <c>key=value</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SettingsTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => SettingsOf(inputData).ToArray();

    private static IEnumerable<string> SettingsOf(object? input) => (input is PSObject wrapped ? wrapped.BaseObject : input) switch
    {
        IDictionary section => SettingsOf(section, prefix: ""),
        string text when text.IndexOf('=') > 0 => [text],
        IEnumerable items and not string => items.Cast<object?>().SelectMany(SettingsOf),
        var other => throw new ArgumentTransformationMetadataException(Strings.Format("InvalidSetting", other ?? "null")),
    };

    private static IEnumerable<string> SettingsOf(IDictionary section, string prefix)
    {
        foreach (DictionaryEntry entry in section)
        {
            string key = prefix + entry.Key;
            object? value = entry.Value is PSObject wrapped ? wrapped.BaseObject : entry.Value;
            if (value is IDictionary inner)
            {
                foreach (string setting in SettingsOf(inner, key + "."))
                    yield return setting;
            }
            else
            {
                yield return $"{key}={SettingText.Of(value)}";
            }
        }
    }
}

/// <summary>PowerShell's values as the values of settings, which are YAML.</summary>
internal static class SettingText
{
    /// <summary>A value in YAML. A text stays plain where it can, so that '3' may still be a number.</summary>
    public static string Of(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        SwitchParameter flag => flag ? "true" : "false",
        string text => IsPlain(text) ? text : Quoted(text),
        char letter => Of(letter.ToString()),
        FileSystemInfo file => Of(file.FullName),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        float number => number.ToString("R", CultureInfo.InvariantCulture),
        Enum name => Of(name.ToString()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Of))}]",
        var other => Of(other.ToString()),
    };

    // Letters, digits and signs that mean nothing to YAML wherever they stand.
    private static bool IsPlain(string text) => text.Length > 0
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '.' or '/' or '+' or '-' or ':')
        && text[^1] != ':' && text[0] != ':' && text is not ("-" or "---" or "...");

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char letter in text)
        {
            quoted.Append(letter switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                _ when char.IsControl(letter) => $"\\u{(int)letter:x4}",
                _ => letter.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }
}
