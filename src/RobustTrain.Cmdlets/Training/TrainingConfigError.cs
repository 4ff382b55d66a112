using System.Globalization;
using System.Text.RegularExpressions;
using RobustTrain.Cmdlets.Errors;
using RobustTrain.Configuration;

namespace RobustTrain.Cmdlets.Training;

/// <summary>One mistake in a configuration.</summary>
/// <param name="File">The file that it stands in; null where it does not stand in one.</param>
/// <param name="Line">The line in that file, from 1.</param>
/// <param name="Key">The dotted key at fault; null where no single key is.</param>
/// <param name="Message">One sentence: where, what was found, what is allowed.</param>
/// <param name="ErrorId">A stable id for scripts.</param>
public sealed partial record TrainingConfigError(string? File, int? Line, string? Key, string Message, string ErrorId)
{
    /// <inheritdoc/>
    public override string ToString() => Message;

    // The sentence begins with the place: "FILE, line N: " or "FILE, line N, column M: ".
    internal static TrainingConfigError From(ConfigurationError error, CmdletWords words)
    {
        Match place = Place().Match(error.Message);
        return place.Success
            ? new TrainingConfigError(place.Groups["file"].Value, int.Parse(place.Groups["line"].ValueSpan, CultureInfo.InvariantCulture), error.Key, words.Of(error.Message), error.ErrorId)
            : new TrainingConfigError(null, null, error.Key, words.Of(error.Message), error.ErrorId);
    }

    [GeneratedRegex(@"^(?<file>.+?), line (?<line>\d+)(, column \d+)?: ")]
    private static partial Regex Place();
}
