using RobustTrain.Runs;

namespace RobustTrain.Training;

/// <summary>How a training ended that did not fail.</summary>
/// <param name="ExitCode"><see cref="ExitCode.Finished"/>, or <see cref="ExitCode.Stopped"/> where it can go on from its checkpoint.</param>
/// <param name="TestScores">The aggregated scores of the test with the best checkpoint; null where it was stopped.</param>
public sealed record TrainingOutcome(ExitCode ExitCode, IReadOnlyDictionary<string, double>? TestScores);
