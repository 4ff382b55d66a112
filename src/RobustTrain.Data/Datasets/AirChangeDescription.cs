namespace RobustTrain.Data.Datasets;

/// <summary>A part of the AirChange benchmark.</summary>
public sealed record AirChangeDescription(AirChangeOptions Options) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new AirChangeDataset(Options);
}
