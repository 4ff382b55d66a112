namespace RobustTrain.Data.Datasets.ChangePairs;

/// <summary>A part of a folder of pairs.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Pairs">The pairs as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
public sealed record ChangePairsDescription(ChangePairsOptions Options, IReadOnlyList<ChangePair> Pairs, int Width, int Height) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ChangePairsDataset(Options, Pairs, (Width, Height));
}
