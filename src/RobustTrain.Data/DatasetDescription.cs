using System.Text.Json.Serialization;
using RobustTrain.Data.Datasets;

namespace RobustTrain.Data;

/// <summary>Everything that another process needs to open a data set.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "dataset")]
[JsonDerivedType(typeof(AirChangeDescription), "air-change")]
[JsonDerivedType(typeof(ChangePairsDescription), "change-pairs")]
[JsonDerivedType(typeof(IntegersDescription), "integers")]
[JsonDerivedType(typeof(ImageFolderDescription), "images")]
public abstract record DatasetDescription
{
    /// <summary>Opens it.</summary>
    /// <exception cref="DatasetException">It is not what it was.</exception>
    public abstract IDataset Open();
}
