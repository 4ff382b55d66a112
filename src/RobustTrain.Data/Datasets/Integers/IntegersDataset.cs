namespace RobustTrain.Data.Datasets.Integers;

/// <summary>The numbers 0 to count - 1, in the field <c>value</c> (Int64): what a loader costs when loading costs nothing.</summary>
public sealed class IntegersDataset(int count) : IPortableDataset
{
    /// <inheritdoc/>
    public int Count { get; } = count;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; } = [new FieldSpec("value", ElementType.Int64, [1])];

    /// <inheritdoc/>
    public DatasetDescription Description => new IntegersDescription(Count);

    /// <inheritdoc/>
    public string NameOf(int index) => $"{index}";

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target) => target.Field<long>(0)[0] = key.Index;
}

/// <summary>The numbers below a bound.</summary>
internal sealed record IntegersDescription(int Count) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new IntegersDataset(Count);
}
