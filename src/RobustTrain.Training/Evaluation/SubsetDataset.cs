using RobustTrain.Data;

namespace RobustTrain.Training.Evaluation;

/// <summary>Some of a dataset's samples.</summary>
/// <param name="all">The dataset.</param>
/// <param name="indices">Their places in it, in the order in which they stand here.</param>
internal sealed class SubsetDataset(IDataset all, IReadOnlyList<int> indices) : IDataset
{
    /// <inheritdoc/>
    public int Count => indices.Count;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields => all.Fields;

    /// <inheritdoc/>
    public string NameOf(int index) => all.NameOf(indices[index]);

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target) => all.Load(key with { Index = indices[key.Index] }, target);
}
