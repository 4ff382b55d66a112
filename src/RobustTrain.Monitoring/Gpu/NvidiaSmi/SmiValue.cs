using System.Globalization;

namespace RobustTrain.Monitoring.Gpu.NvidiaSmi;

/// <summary>
/// Values as <c>nvidia-smi</c> writes them: a number with or without its unit, or one of many ways to say that there is none
/// (<c>N/A</c>, <c>[N/A]</c>, <c>[Not Supported]</c>, <c>[Unknown Error]</c>, <c>Insufficient Permissions</c>, and so on).
/// </summary>
internal static class SmiValue
{
    /// <summary>The number at the beginning of the text; null where there is none.</summary>
    public static double? Number(string? text)
    {
        if (text is null)
            return null;

        ReadOnlySpan<char> word = text.AsSpan().Trim();
        int end = 0;
        while (end < word.Length && (char.IsAsciiDigit(word[end]) || word[end] is '.' or '-'))
            end++;

        return double.TryParse(word[..end], NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out double value) ? value : null;
    }

    /// <summary>A whole number.</summary>
    public static int? Whole(string? text) => Number(text) is { } value and >= int.MinValue and <= int.MaxValue ? (int)value : null;

    /// <summary>A count.</summary>
    public static long? Count(string? text) => (long?)Number(text);

    /// <summary>An amount of memory, in bytes; without a unit it is in MiB.</summary>
    public static long? Bytes(string? text)
    {
        if (Number(text) is not { } value)
            return null;

        double unit = text!.AsSpan().Trim() switch
        {
            var t when t.EndsWith("KiB", StringComparison.OrdinalIgnoreCase) => 1L << 10,
            var t when t.EndsWith("GiB", StringComparison.OrdinalIgnoreCase) => 1L << 30,
            _ => 1L << 20,
        };
        return (long)(value * unit);
    }

    /// <summary>A text; null where it says that there is no value.</summary>
    public static string? Text(string? text)
    {
        string? trimmed = text?.Trim();
        return string.IsNullOrEmpty(trimmed)
            || trimmed.StartsWith('[')
            || trimmed.Equals("N/A", StringComparison.OrdinalIgnoreCase)
            || trimmed.Equals("None", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("Unknown", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("Not Supported", StringComparison.OrdinalIgnoreCase)
            || trimmed.Equals("Not Found", StringComparison.OrdinalIgnoreCase)
            || trimmed.Equals("ERR!", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("Insufficient", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("Requested functionality", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("GPU is lost", StringComparison.OrdinalIgnoreCase)
            || trimmed.StartsWith("GPU requires reset", StringComparison.OrdinalIgnoreCase)
                ? null
                : trimmed;
    }

    /// <summary>Yes and no, on and off, enabled and disabled.</summary>
    public static bool? Truth(string? text) => Text(text)?.ToUpperInvariant() switch
    {
        "YES" or "ENABLED" or "ACTIVE" or "ON" => true,
        "NO" or "DISABLED" or "NOT ACTIVE" or "OFF" => false,
        _ => null,
    };

    /// <summary>A PCI bus id as every source writes it, with a domain of eight digits; null where the text is none.</summary>
    public static string? BusId(string? text) =>
        Text(text)?.Split(':', 2) is [var domain, var rest] ? $"{domain.PadLeft(8, '0')}:{rest}".ToUpperInvariant() : null;

    /// <summary>Whether a value says, in place of itself, that the whole GPU no longer answers. A text that only mentions it says nothing.</summary>
    public static bool IsLost(string? text) =>
        text?.Trim().Trim('[', ']') is { } word
        && (word.StartsWith("GPU is lost", StringComparison.OrdinalIgnoreCase) || word.StartsWith("GPU requires reset", StringComparison.OrdinalIgnoreCase));
}
