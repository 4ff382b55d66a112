namespace RobustTrain.Training.Epochs;

/// <summary>One sample in a file of scores.</summary>
/// <param name="Name">The sample's name.</param>
/// <param name="Scores">The sample's scores that are defined, by name.</param>
/// <param name="Confusion">Its pixels, row-major: truth by row, prediction by column.</param>
public sealed record DatapointDocument(string Name, IReadOnlyDictionary<string, double> Scores, IReadOnlyList<long> Confusion);
