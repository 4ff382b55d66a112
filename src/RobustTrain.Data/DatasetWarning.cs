using RobustTrain.Platform;

namespace RobustTrain.Data;

/// <summary>What a dataset does with some of its files that the operator should know of, one warning for each kind.</summary>
/// <param name="Kind">The kind's name for programs, in snake case.</param>
/// <param name="Text">What is done, as a sentence without its end.</param>
/// <param name="Files">The files concerned, full paths.</param>
public sealed record DatasetWarning(string Kind, string Text, IReadOnlyList<string> Files)
{
    private const int MostNamed = 3;

    /// <summary>What a file stands for.</summary>
    public string Unit { get; init; } = "file";

    /// <summary>How many files are concerned.</summary>
    public int Count => Files.Count;

    /// <summary>The sentence for people: what is done, with how many files, and the first of them.</summary>
    public string Message
    {
        get
        {
            string named = string.Join(", ", Files.Take(MostNamed).Select(file => $"'{file}'"));
            return $"{Text} ({Counted.Of(Count, Unit)}: {named}{(Count > MostNamed ? ", …" : "")}).";
        }
    }

    /// <summary>The warnings of several splits of one dataset, one for each kind and text; a file that several name counts once.</summary>
    public static IReadOnlyList<DatasetWarning> Merge(IEnumerable<DatasetWarning> warnings) =>
    [
        .. warnings.GroupBy(warning => (warning.Kind, warning.Text))
            .Select(same => same.First() with { Files = [.. same.SelectMany(warning => warning.Files).Distinct()] }),
    ];
}
