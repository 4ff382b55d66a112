namespace RobustTrain.Data.Datasets;

/// <summary>A part of a folder of pairs.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Pairs">The pairs as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
public sealed record ChangePairsDescription(ChangePairsOptions Options, IReadOnlyList<ChangePair> Pairs, int Width, int Height) : DatasetDescription
{
    internal const string Name = "change-pairs";

    /// <inheritdoc/>
    public override IDataset Open() => new ChangePairsDataset(Options, Pairs, (Width, Height));

    internal override void WriteTo(BinaryWriter writer)
    {
        writer.Write(Name);
        writer.Write(Options.Path);
        writer.Write((int)Options.Split);
        writer.WriteOptional(Options.TrainList);
        writer.WriteOptional(Options.ValList);
        writer.Write(Options.ValLists ?? []);
        writer.WriteOptional(Options.TestList);
        writer.WriteOptional(Options.CropSize);
        writer.Write(Options.ChangedCropShare);
        writer.Write(Options.Classes);
        writer.WriteOptional(Options.IgnoreIndex);
        writer.Write(Options.LabelIndices);
        writer.Write(Options.ConvertsImages);
        writer.Write(Options.Augmentation);
        writer.Write(Options.Mean);
        writer.Write(Options.Std);
        writer.Write(Pairs);
        writer.Write(Width);
        writer.Write(Height);
    }

    internal static DatasetDescription Read(BinaryReader reader)
    {
        ChangePairsOptions options = new()
        {
            Path = reader.ReadString(),
            Split = (DatasetSplit)reader.ReadInt32(),
            TrainList = reader.ReadOptionalString(),
            ValList = reader.ReadOptionalString(),
            ValLists = reader.ReadStrings() is { Length: > 0 } lists ? lists : null,
            TestList = reader.ReadOptionalString(),
            CropSize = reader.ReadOptionalInt32(),
            ChangedCropShare = reader.ReadDouble(),
            Classes = reader.ReadInt32(),
            IgnoreIndex = reader.ReadOptionalInt32(),
            LabelIndices = reader.ReadBoolean(),
            ConvertsImages = reader.ReadBoolean(),
            Augmentation = reader.ReadAugmentation(),
            Mean = reader.ReadDoubles(),
            Std = reader.ReadDoubles(),
        };
        return new ChangePairsDescription(options, reader.ReadPairs(), reader.ReadInt32(), reader.ReadInt32());
    }
}
