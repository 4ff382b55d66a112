using RobustTrain.Data.Datasets;

namespace RobustTrain.Data;

/// <summary>
/// Everything that another process needs to open a data set. It is written in a form of its own and not as JSON, whose machinery
/// would cost a worker half of its start.
/// </summary>
public abstract record DatasetDescription
{
    /// <summary>Opens it.</summary>
    /// <exception cref="DatasetException">It is not what it was.</exception>
    public abstract IDataset Open();

    /// <summary>Reads what <see cref="WriteTo"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is no description.</exception>
    internal static DatasetDescription ReadFrom(BinaryReader reader) => reader.ReadString() switch
    {
        AirChangeDescription.Name => AirChangeDescription.Read(reader),
        ChangePairsDescription.Name => ChangePairsDescription.Read(reader),
        ImageFolderDescription.Name => ImageFolderDescription.Read(reader),
        IntegersDescription.Name => IntegersDescription.Read(reader),
        string other => throw new InvalidDataException($"There is no data set '{other}'."),
    };

    /// <summary>Writes the data set's name and everything else.</summary>
    internal abstract void WriteTo(BinaryWriter writer);
}
