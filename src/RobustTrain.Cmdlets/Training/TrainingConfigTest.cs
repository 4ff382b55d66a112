using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Training;

/// <summary>What Test-TrainingConfig found out about a configuration, its data set, its network and its device.</summary>
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

    internal static TrainingConfigTest From(ConfigurationChecked found, TrainingRequest request) => new()
    {
        ConfigurationPath = request.ConfigurationPath,
        Valid = found.Errors.Count == 0,
        Errors = [.. found.Errors.Select(error => TrainingConfigError.From(error, request.Words))],
        Device = found.Device,
        TrainingSamples = found.TrainingSamples,
        ValidationSamples = found.ValidationSamples,
        TestSamples = found.TestSamples,
        StepsPerEpoch = found.StepsPerEpoch,
    };
}
