namespace RobustTrain.Data.Datasets;

/// <summary>The images of a folder.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Count">The images that it had.</param>
public sealed record ImageFolderDescription(ImageFolderOptions Options, int Count) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open()
    {
        ImageFolderDataset dataset = new(Options);
        return dataset.Count == Count
            ? dataset
            : throw new DatasetException($"The images in '{Options.Path}' have changed since the data set was opened.", Options.Path);
    }
}
