namespace RobustTrain.Data.Datasets;

/// <summary>A part of a dataset.</summary>
public enum DatasetSplit
{
    /// <summary>What the network learns from; augmented.</summary>
    Train,

    /// <summary>What checkpoints are compared by.</summary>
    Val,

    /// <summary>What the best checkpoint is judged by.</summary>
    Test,
}
