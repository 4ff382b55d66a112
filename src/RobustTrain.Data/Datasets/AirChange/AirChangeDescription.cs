namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>A part of the AirChange benchmark.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Scenes">The scenes as they were found.</param>
public sealed record AirChangeDescription(AirChangeOptions Options, IReadOnlyList<ChangePair> Scenes) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new AirChangeDataset(Options, Scenes, keepsScenes: false);
}
