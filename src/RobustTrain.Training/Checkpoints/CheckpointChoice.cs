namespace RobustTrain.Training.Checkpoints;

/// <summary>Which checkpoint of a run is meant.</summary>
public enum CheckpointChoice
{
    /// <summary>The one with the best validation score.</summary>
    Best,

    /// <summary>The newest.</summary>
    Latest,
}
