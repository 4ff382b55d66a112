using RobustTrain.Data.Datasets;

namespace RobustTrain.Training;

/// <summary>The splits' names in events, files and messages.</summary>
internal static class SplitNames
{
    /// <summary>The name of a split.</summary>
    public static string Of(DatasetSplit split) => split switch
    {
        DatasetSplit.Train => "training",
        DatasetSplit.Val => "validation",
        DatasetSplit.Test => "test",
        _ => throw new ArgumentOutOfRangeException(nameof(split), split, "There is no such split."),
    };
}
