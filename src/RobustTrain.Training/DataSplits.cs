using RobustTrain.Data;

namespace RobustTrain.Training;

/// <summary>The data sets of a training.</summary>
/// <param name="Training">What is learned from, augmented.</param>
/// <param name="Validation">What decides which epoch is best.</param>
/// <param name="Test">What the best epoch is tested on.</param>
public sealed record DataSplits(IDataset Training, IDataset Validation, IDataset Test)
{
    /// <summary>The named parts of <see cref="Validation"/>; none where the configuration makes none.</summary>
    public IReadOnlyList<ValidationSet> ValidationSets { get; init; } = [];
}
