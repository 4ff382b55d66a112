using System.Globalization;
using RobustTrain.Data.Loading.Ledger;
using RobustTrain.Platform;

namespace RobustTrain.Data;

/// <summary>The loader can't be set up as it was asked for, for example because its ring does not fit into memory. One sentence for the operator.</summary>
public sealed class LoaderException(string message, Exception? innerException = null)
    : Exception(message, innerException);

/// <summary>A sample can't be loaded: the message names its file and what is wrong with it, in one sentence.</summary>
public sealed class SampleException(string message, string path, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The file at fault.</summary>
    public string Path { get; } = path;

    /// <summary>
    /// Whether the fault lies in the file's own bytes, so that it is there until the file changes. A right that is missing, a disk or a
    /// memory that fails, or a setting that the file doesn't fit may be mended without the file.
    /// </summary>
    public bool IsOfFile { get; init; }

    /// <summary>A fault in a file's own bytes.</summary>
    internal static SampleException OfFile(string message, string path) => new(message, path) { IsOfFile = true };
}

/// <summary>More samples of an epoch can't be loaded than may be skipped. The message names them.</summary>
public sealed class SkipBudgetException(string message, IReadOnlyList<string> samples)
    : Exception(message)
{
    private const int Named = 20;

    /// <summary>The samples that could not be loaded.</summary>
    public IReadOnlyList<string> Samples { get; } = samples;

    /// <summary>Says which samples of an epoch are too many.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="entries">The epoch's account.</param>
    /// <param name="limit">The samples that may be skipped.</param>
    /// <param name="options">Says how that was asked for.</param>
    public static SkipBudgetException Of(int epoch, IEnumerable<LedgerEntry> entries, int limit, LoaderOptions options)
    {
        string[] samples = [.. entries.Where(entry => entry.Action == LedgerAction.Skipped).Select(entry => entry.Sample)];
        string list = string.Join(", ", samples.Take(Named)) + (samples.Length > Named ? $" and {samples.Length - Named} more" : "");
        return new($"{Counted.Of(samples.Length, "sample")} of epoch {epoch} can't be loaded, more than the {limit} that may be skipped (max_skipped is {options.MaxSkipped.ToString(CultureInfo.InvariantCulture)}): {list}.", samples);
    }
}
