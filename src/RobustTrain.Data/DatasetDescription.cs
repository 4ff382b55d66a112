using System.Text.Json.Serialization;
using RobustTrain.Data.Datasets;

namespace RobustTrain.Data;

/// <summary>Everything that another process needs to open a dataset.</summary>
[JsonDerivedType(typeof(AirChangeDescription), "air-change")]
[JsonDerivedType(typeof(ChangePairsDescription), "change-pairs")]
[JsonDerivedType(typeof(ImageFolderDescription), "images")]
[JsonDerivedType(typeof(IntegersDescription), "integers")]
public abstract record DatasetDescription
{
    /// <summary>Opens it.</summary>
    /// <exception cref="DatasetException">It is not what it was.</exception>
    public abstract IDataset Open();
}
