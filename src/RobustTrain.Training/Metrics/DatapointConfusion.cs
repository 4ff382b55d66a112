namespace RobustTrain.Training.Metrics;

/// <summary>What was counted in one sample.</summary>
/// <param name="Name">The sample's name.</param>
/// <param name="Confusion">Its pixels.</param>
public sealed record DatapointConfusion(string Name, ConfusionMatrix Confusion)
{
    /// <summary>The sample's own scores.</summary>
    public SegmentationScores Scores => SegmentationScores.Of(Confusion);
}
