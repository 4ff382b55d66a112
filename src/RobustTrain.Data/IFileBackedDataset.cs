namespace RobustTrain.Data;

/// <summary>A dataset that knows which files a sample comes from, so that a quarantine ends when they change.</summary>
public interface IFileBackedDataset : IDataset
{
    /// <summary>The files of a sample, full paths.</summary>
    IReadOnlyList<string> FilesOf(int index);
}
