using RobustTrain.Training.Metrics;

namespace RobustTrain.Training.Epochs;

/// <summary>A file of scores.</summary>
/// <param name="Epoch">The epoch of the weights that were scored, from 0.</param>
/// <param name="Split">The split.</param>
/// <param name="Aggregated">The scores of all samples together, by name.</param>
/// <param name="Classes">The scores of each class, by class.</param>
/// <param name="Datapoints">Each sample's own scores.</param>
public sealed record ScoreDocument(
    int Epoch, string Split, IReadOnlyDictionary<string, double> Aggregated, IReadOnlyList<ClassScores> Classes, IReadOnlyList<DatapointDocument> Datapoints);
