namespace RobustTrain.Data.Datasets;

/// <summary>The numbers below a bound.</summary>
public sealed record IntegersDescription(int Count) : DatasetDescription
{
    internal const string Name = "integers";

    /// <inheritdoc/>
    public override IDataset Open() => new IntegersDataset(Count);

    internal override void WriteTo(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write(Count);
    }

    internal static DatasetDescription Read(BinaryReader reader)
    {
        return new IntegersDescription(reader.ReadInt32());
    }
}
