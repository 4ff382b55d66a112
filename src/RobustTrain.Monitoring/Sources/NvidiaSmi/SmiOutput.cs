using System.Globalization;
using System.Text.RegularExpressions;

namespace RobustTrain.Monitoring.Sources.NvidiaSmi;

/// <summary>What one call of <c>nvidia-smi</c> wrote, and how it ended.</summary>
/// <param name="ComputerName">The host.</param>
/// <param name="Text">What it wrote to standard output; of another host, to standard error too.</param>
/// <param name="ExitCode">Its exit code, 128 + N where signal N ended it; null where it did not end in time.</param>
/// <param name="Errors">What it wrote to standard error, where that is told apart.</param>
internal sealed record SmiOutput(string ComputerName, string Text, int? ExitCode, string Errors = "")
{
    private const int SignalBase = 128;

    /// <summary>How it ended, as an addition to a sentence; empty where it ended well.</summary>
    public string End => ExitCode switch
    {
        0 => "",
        null => "",
        > SignalBase => string.Create(CultureInfo.InvariantCulture, $" (exit code {ExitCode}: signal {ExitCode - SignalBase} ended it)"),
        _ => string.Create(CultureInfo.InvariantCulture, $" (exit code {ExitCode})"),
    };

    /// <summary>Checks that it came to its end: what a crash leaves may look whole and lack a GPU.</summary>
    /// <exception cref="MonitorException">It crashed, did not end, or failed and wrote nothing.</exception>
    public void RequireEnd()
    {
        if (ExitCode is null)
            throw new MonitorException("NvidiaSmiTimedOut", $"nvidia-smi of {ComputerName} did not answer in time.", ComputerName);
        string said = Errors.Length > 0 ? $": {Errors}" : "";
        if (ExitCode > SignalBase)
            throw new MonitorException("NvidiaSmiFailed", $"nvidia-smi of {ComputerName} crashed{End}{said}.", ComputerName);
        if (string.IsNullOrWhiteSpace(Text))
            throw new MonitorException("NvidiaSmiFailed", $"nvidia-smi of {ComputerName} wrote nothing{End}{said}.", ComputerName);
    }
}

/// <summary>What <c>nvidia-smi</c> says where its output is no data.</summary>
/// <param name="ErrorId">A stable id.</param>
/// <param name="Text">Its own words, or ours.</param>
/// <param name="IsAboutOneGpu">Whether the other GPUs can still be read.</param>
/// <param name="PciBusId">The GPU that it is about, where it is about one and names it.</param>
internal sealed partial record SmiFailure(string ErrorId, string Text, bool IsAboutOneGpu = false, string? PciBusId = null)
{
    /// <summary>The failure that a line tells of; null where it tells of none.</summary>
    public static SmiFailure? Of(string line) => line.Trim() switch
    {
        var t when t.StartsWith("No devices were found", StringComparison.OrdinalIgnoreCase) => new("NoGpu", "found no GPU"),
        var t when t.StartsWith("NVIDIA-SMI has failed", StringComparison.OrdinalIgnoreCase) => new("NvidiaDriverNotLoaded", "could not reach the NVIDIA driver"),
        var t when t.StartsWith("Failed to initialize NVML", StringComparison.OrdinalIgnoreCase) => new("NvmlFailed", t),
        var t when t.StartsWith("Unable to determine the device handle", StringComparison.OrdinalIgnoreCase) => new("GpuLost", t, IsAboutOneGpu: true, SmiValue.BusId(BusId().Match(t).Value)),
        var t when t.StartsWith("Field \"", StringComparison.OrdinalIgnoreCase) => new("NvidiaSmiTooOld", $"does not know the query: {t}"),
        _ => null,
    };

    /// <summary>The failure as an exception.</summary>
    public MonitorException ToException(string computerName) => new(ErrorId, Sentence(computerName), computerName);

    /// <summary>The failure as a sentence.</summary>
    public string Sentence(string computerName) => $"nvidia-smi of {computerName}: {Text.TrimEnd('.')}.";

    [GeneratedRegex("[0-9A-F]{4,8}:[0-9A-F]{2}:[0-9A-F]{2}\\.[0-9A-F]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BusId();
}

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

    /// <summary>A PCI bus id as every source writes it, with a domain of eight digits; null where the text is not a bus id.</summary>
    public static string? BusId(string? text) =>
        Text(text)?.Split(':', 2) is [var domain, var rest] ? $"{domain.PadLeft(8, '0')}:{rest}".ToUpperInvariant() : null;

    /// <summary>Whether a value says, in place of itself, that the whole GPU no longer answers. A text that only mentions it says nothing.</summary>
    public static bool IsLost(string? text) =>
        text?.Trim().Trim('[', ']') is { } word
        && (word.StartsWith("GPU is lost", StringComparison.OrdinalIgnoreCase) || word.StartsWith("GPU requires reset", StringComparison.OrdinalIgnoreCase));
}
