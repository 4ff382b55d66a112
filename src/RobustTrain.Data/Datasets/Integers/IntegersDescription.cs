namespace RobustTrain.Data.Datasets.Integers;

/// <summary>The numbers below a bound.</summary>
public sealed record IntegersDescription(int Count) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new IntegersDataset(Count);
}
