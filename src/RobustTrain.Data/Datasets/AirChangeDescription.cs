namespace RobustTrain.Data.Datasets;

/// <summary>A part of the AirChange benchmark.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Scenes">The scenes as they were found.</param>
public sealed record AirChangeDescription(AirChangeOptions Options, IReadOnlyList<ChangePair> Scenes) : DatasetDescription
{
    internal const string Name = "air-change";

    /// <inheritdoc/>
    public override IDataset Open() => new AirChangeDataset(Options, Scenes, keepsScenes: false);

    internal override void WriteTo(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write(Options.Path);
        writer.Write((int)Options.Split);
        writer.Write(Options.ValidationScenes);
        writer.Write(Options.CropSize);
        writer.Write(Options.ChangedCropShare);
        writer.WriteOptional(Options.SampleSize);
        writer.Write(Options.LabelIndices);
        writer.Write(Options.ConvertsImages);
        writer.Write(Options.Augmentation);
        writer.Write(Options.Mean);
        writer.Write(Options.Std);
        writer.Write(Scenes);
    }

    internal static DatasetDescription Read(BinaryReader reader)
    {
        AirChangeOptions options = new()
        {
            Path = reader.ReadString(),
            Split = (DatasetSplit)reader.ReadInt32(),
            ValidationScenes = reader.ReadStrings(),
            CropSize = reader.ReadInt32(),
            ChangedCropShare = reader.ReadDouble(),
            SampleSize = reader.ReadOptionalInt32(),
            LabelIndices = reader.ReadBoolean(),
            ConvertsImages = reader.ReadBoolean(),
            Augmentation = reader.ReadAugmentation(),
            Mean = reader.ReadDoubles(),
            Std = reader.ReadDoubles(),
        };
        return new AirChangeDescription(options, reader.ReadPairs());
    }
}
