namespace RobustTrain.Data.Datasets;

/// <summary>A part of a folder of pairs.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Fingerprint">What the folder held, so that a worker does not number other samples than its trainer.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
public sealed record ChangePairsDescription(ChangePairsOptions Options, string Fingerprint, int Width, int Height) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open()
    {
        ChangePairsDataset dataset = new(Options, (Width, Height));
        return dataset.Fingerprint == Fingerprint
            ? dataset
            : throw new DatasetException($"The files in '{Options.Path}' have changed since the data set was opened.", Options.Path);
    }
}
