namespace RobustTrain.Data.Datasets;

/// <summary>The images of a folder.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Files">The images as they were found.</param>
public sealed record ImageFolderDescription(ImageFolderOptions Options, IReadOnlyList<string> Files) : DatasetDescription
{
    internal const string Name = "images";

    /// <inheritdoc/>
    public override IDataset Open() => new ImageFolderDataset(Options, Files);

    internal override void WriteTo(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write(Options.Path);
        writer.Write(Options.CropSize);
        writer.Write(Options.Augmentation);
        writer.Write(Options.Mean);
        writer.Write(Options.Std);
        writer.Write(Files);
    }

    internal static DatasetDescription Read(BinaryReader reader)
    {
        ImageFolderOptions options = new()
        {
            Path = reader.ReadString(),
            CropSize = reader.ReadInt32(),
            Augmentation = reader.ReadAugmentation(),
            Mean = reader.ReadDoubles(),
            Std = reader.ReadDoubles(),
        };
        return new ImageFolderDescription(options, reader.ReadStrings());
    }
}
