using RobustTrain.Data.Datasets;

namespace RobustTrain.Data;

/// <summary>A dataset that another process can open again from its description: what process workers need.</summary>
public interface IPortableDataset : IDataset
{
    /// <summary>What to open it from.</summary>
    DatasetDescription Description { get; }
}
