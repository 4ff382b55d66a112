using System.Text.Json.Serialization;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.Data.Datasets.ImageFolder;
using RobustTrain.Data.Datasets.ImageFolders;
using RobustTrain.Data.Datasets.ImagesLabels;
using RobustTrain.Data.Datasets.Integers;
using RobustTrain.Data.Datasets.PairedImages;

namespace RobustTrain.Data.Datasets;

/// <summary>Everything that another process needs to open a dataset.</summary>
[JsonDerivedType(typeof(AirChangeDescription), "air-change")]
[JsonDerivedType(typeof(ChangePairsDescription), "change-pairs")]
[JsonDerivedType(typeof(ImageFolderDescription), "images")]
[JsonDerivedType(typeof(ImageFoldersDescription), "image-folders")]
[JsonDerivedType(typeof(ImagesLabelsDescription), "images-labels")]
[JsonDerivedType(typeof(IntegersDescription), "integers")]
[JsonDerivedType(typeof(PairedImagesDescription), "paired-images")]
public abstract record DatasetDescription
{
    /// <summary>Opens it.</summary>
    /// <exception cref="DatasetException">It is not what it was.</exception>
    public abstract IDataset Open();
}

/// <summary>A part of a dataset.</summary>
public enum DatasetSplit
{
    /// <summary>What the network learns from; augmented.</summary>
    Train,

    /// <summary>What checkpoints are compared by.</summary>
    Val,

    /// <summary>What the best checkpoint is judged by.</summary>
    Test,
}
