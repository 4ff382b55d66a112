using System.Globalization;
using System.Text.RegularExpressions;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training.Evaluation;

/// <summary>The samples of an evaluation that a network did worst and best at.</summary>
internal static partial class ExtremeSamples
{
    private const int LongestName = 80;

    /// <summary>The worst samples, the worst first, and the best, the best first; a sample without the score is neither.</summary>
    /// <param name="samples">What was counted.</param>
    /// <param name="score">The score that decides.</param>
    /// <param name="most">The most of either.</param>
    /// <returns>Each with the stem of its picture's file name.</returns>
    public static IReadOnlyList<(SampleResult Sample, string FileStem)> Of(IReadOnlyList<SampleResult> samples, ScoreDefinition score, int most)
    {
        (SampleResult Sample, double Score)[] ordered =
        [
            .. samples.Where(sample => sample.NamedScores.ContainsKey(score.Name))
                .Select(sample => (sample, sample.NamedScores[score.Name]))
                .OrderBy(scored => score.Direction == ScoreDirection.HigherIsBetter ? scored.Item2 : -scored.Item2),
        ];
        int worst = Math.Min(most, ordered.Length);
        int best = Math.Min(most, ordered.Length - worst);
        return
        [
            .. ordered.Take(worst).Select((scored, place) => (scored.Sample, StemOf("worst", place, scored))),
            .. ordered.Reverse().Take(best).Select((scored, place) => (scored.Sample, StemOf("best", place, scored))),
        ];
    }

    private static string StemOf(string kind, int place, (SampleResult Sample, double Score) scored)
    {
        string name = Unsafe().Replace(Extension().Replace(scored.Sample.Name, ""), "-").Trim('-');
        return string.Create(CultureInfo.InvariantCulture, $"{kind}-{place + 1:00}-{scored.Score:0.0000}-{(name.Length > LongestName ? name[^LongestName..] : name)}");
    }

    // Some datasets call a sample by its whole file name.
    [GeneratedRegex(@"\.(png|jpe?g|bmp)$", RegexOptions.IgnoreCase)]
    private static partial Regex Extension();

    [GeneratedRegex("[^A-Za-z0-9_.]+")]
    private static partial Regex Unsafe();
}
