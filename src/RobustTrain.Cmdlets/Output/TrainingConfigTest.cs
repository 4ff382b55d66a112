using System.Globalization;
using System.Text.RegularExpressions;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Configuration;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Output;

/// <summary>What Test-TrainingConfig found out about a configuration, its dataset, its network and its device.</summary>
public sealed record TrainingConfigTest
{
    /// <summary>The file; null where parameters said it all.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Whether a training with it can begin.</summary>
    public required bool Valid { get; init; }

    /// <summary>The mistakes; none where it is valid.</summary>
    public required TrainingConfigError[] Errors { get; init; }

    /// <summary>The device on which it would train; null, as all that follow, where mistakes leave it open.</summary>
    public string? Device { get; init; }

    /// <summary>The samples of an epoch.</summary>
    public int? TrainingSamples { get; init; }

    /// <summary>The samples of a validation.</summary>
    public int? ValidationSamples { get; init; }

    /// <summary>The samples of the test.</summary>
    public int? TestSamples { get; init; }

    /// <summary>The steps of an epoch.</summary>
    public int? StepsPerEpoch { get; init; }

    internal static TrainingConfigTest From(ConfigurationChecked found, string? configurationPath, CmdletWords words) => new()
    {
        ConfigurationPath = configurationPath,
        Valid = found.Errors.Count == 0,
        Errors = [.. found.Errors.Select(error => TrainingConfigError.From(error, words))],
        Device = found.Device,
        TrainingSamples = found.TrainingSamples,
        ValidationSamples = found.ValidationSamples,
        TestSamples = found.TestSamples,
        StepsPerEpoch = found.StepsPerEpoch,
    };
}

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
