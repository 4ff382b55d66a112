namespace RobustTrain.Data.Datasets.ImageFolder;

/// <summary>The images of a folder.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Files">The images as they were found.</param>
public sealed record ImageFolderDescription(ImageFolderOptions Options, IReadOnlyList<string> Files) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ImageFolderDataset(Options, Files);
}
