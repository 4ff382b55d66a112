using RobustTrain.Cmdlets.Errors;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Training;

/// <summary>What a trainer is told on its command line.</summary>
internal sealed record TrainingRequest
{
    /// <summary>The configuration file, absolute; null where settings say it all.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Settings <c>key=value</c> that win over the file; the last wins.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The run's folder, absolute; null leaves the choice to the trainer.</summary>
    public string? RunPath { get; init; }

    /// <summary>What to do where the folder holds a run; null for the trainer's default.</summary>
    public ResumeMode? Resume { get; init; }

    /// <summary>What relative paths are relative to.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>Whether the run is written when it has ended, in place of its epochs.</summary>
    public bool WritesRun { get; init; }

    /// <summary>How the cmdlet calls what the executable names by its options.</summary>
    public CmdletWords Words { get; init; } = CmdletWords.Plain;

    /// <summary>For people: what is trained.</summary>
    public string Subject => RunPath ?? ConfigurationPath ?? string.Join(' ', Settings);

    /// <summary>The configuration and its settings as arguments, for any command that takes them.</summary>
    public IEnumerable<string> ConfigurationArguments()
    {
        if (ConfigurationPath is not null)
            yield return ConfigurationPath;

        foreach (string setting in Settings)
        {
            yield return "--set";
            yield return setting;
        }
    }

    /// <summary>The same, and the run with what to do with it.</summary>
    public IEnumerable<string> RunArguments()
    {
        foreach (string argument in ConfigurationArguments())
            yield return argument;

        if (RunPath is not null)
        {
            yield return "--run-path";
            yield return RunPath;
        }

        if (Resume is { } mode)
        {
            yield return "--resume";
            yield return mode.ToString().ToLowerInvariant();
        }
    }

    /// <summary>The arguments of <c>robusttrain train</c>.</summary>
    /// <param name="hasLifeLine">Whether the trainer is to end with the process that starts it.</param>
    public IEnumerable<string> TrainArguments(bool hasLifeLine)
    {
        yield return "train";
        foreach (string argument in RunArguments())
            yield return argument;

        yield return "--events";
        if (hasLifeLine)
            yield return "--life-line";
    }
}
