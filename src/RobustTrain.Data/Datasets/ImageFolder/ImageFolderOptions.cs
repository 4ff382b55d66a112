using RobustTrain.Data.Augmentation;

namespace RobustTrain.Data.Datasets.ImageFolder;

/// <summary>How the images of a folder are loaded.</summary>
public sealed record ImageFolderOptions
{
    /// <summary>The folder.</summary>
    public required string Path { get; init; }

    /// <summary>The side of a random crop in pixels.</summary>
    public int CropSize { get; init; } = 224;

    /// <summary>How crops are varied.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>The mean of each channel, of values in 0..1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>The standard deviation of each channel.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];
}
