using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Text;
using RobustTrain.Cmdlets.Words;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>
/// Takes an object where its text is meant, as an argument and from the pipeline alike: the first of some properties that it has.
/// Without it PowerShell would take the object's own text, which names nothing.
/// </summary>
/// <param name="properties">The properties; the first that the object has is meant, so that one without a value stands for nothing else.</param>
[AttributeUsage(AttributeTargets.Property)]
internal class FromObjectAttribute(params string[] properties) : ArgumentTransformationAttribute
{
    /// <summary>Escapes what a property gives, for a parameter that takes wildcards.</summary>
    public bool EscapesWildcards { get; init; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => ValueOf(inputData)!;

    /// <summary>A single object's value; texts and numbers stand for themselves.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">It has none of the properties.</exception>
    protected virtual object? ValueOf(object? input) => Unwrapped(input) switch
    {
        null => null,
        string or ValueType => Unwrapped(input),
        IEnumerable items and not IDictionary => items.Cast<object?>().Select(ValueOf).ToArray(),
        { } other => PropertyOf(PSObject.AsPSObject(input), other),
    };

    private object PropertyOf(PSObject input, object value)
    {
        PSPropertyInfo? property = properties.Select(name => input.Properties[name]).FirstOrDefault(candidate => candidate is not null);
        switch (Unwrapped(property?.Value))
        {
            case string text when text.Length > 0:
                return EscapesWildcards ? WildcardPattern.Escape(text) : text;
            case ValueType number:
                return number;
        }

        // An invalid cast tells PowerShell to try the pipeline's object on other parameters.
        string kind = value is PSCustomObject ? "object" : value.GetType().Name;
        string message = property is null
            ? Strings.Format("NoSuchProperty", kind, string.Join(", ", properties))
            : Strings.Format("PropertyWithoutValue", kind, property.Name);
        throw new ArgumentTransformationMetadataException(message, new PSInvalidCastException(message));
    }

    private static object? Unwrapped(object? value) => value is PSObject { BaseObject: { } inner and not PSCustomObject } ? inner : value;
}

/// <summary>Takes a GPU, or a GPU's index as the objects of Get-GpuStatus carry it, for the device cuda:N.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DeviceTransformationAttribute() : FromObjectAttribute("Device", "Index")
{
    /// <inheritdoc/>
    protected override object? ValueOf(object? input)
    {
        object? value = base.ValueOf(input);
        // The GPU of another host, or one that is lost, comes down a pipeline without a device; a training must not choose another one for it.
        if (value is null or "" or PSObject { BaseObject: "" })
            throw new ArgumentTransformationMetadataException(Strings.Format("NoDevice"));

        string? text = Convert.ToString(value is PSObject wrapped ? wrapped.BaseObject : value, CultureInfo.InvariantCulture);
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) ? $"cuda:{index}" : value;
    }
}

/// <summary>Takes bare numbers as seconds, where PowerShell would take them as ticks of 100 ns.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecondsTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        string? text = Convert.ToString(value, CultureInfo.InvariantCulture);
        return value is not TimeSpan
            && double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out double seconds)
            && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds
                ? TimeSpan.FromSeconds(seconds)
                : inputData;
    }
}

/// <summary>Takes a time of the day from a text, as 22:00, a date or a time span; of the latter two whole minutes only.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TimeOfDayTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
    {
        TimeOnly time => Minutes(time),
        DateTime date => Minutes(TimeOnly.FromDateTime(date)),
        TimeSpan { Ticks: >= 0 and < TimeSpan.TicksPerDay } sinceMidnight => Minutes(TimeOnly.FromTimeSpan(sinceMidnight)),
        string text when TimeOnly.TryParse(text, CultureInfo.InvariantCulture, out TimeOnly time) && time == Minutes(time) => time,
        var other => throw new ArgumentTransformationMetadataException(Strings.Format("InvalidTimeOfDay", other)),
    };

    private static TimeOnly Minutes(TimeOnly time) => new(time.Hour, time.Minute);
}

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
