using RobustTrain.Data.Augmentation;

namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>Which part of the SZTAKI AirChange benchmark is loaded, and how.</summary>
public sealed record AirChangeOptions
{
    /// <summary>The folder that holds <c>Szada</c> and <c>Tiszadob</c>, or the folder above it.</summary>
    public required string Path { get; init; }

    /// <summary>The part of it.</summary>
    public required DatasetSplit Split { get; init; }

    /// <summary>
    /// Scenes, as <c>Szada/7</c>, whose training area validates instead of training. With none, all twelve train and the validation split is empty.
    /// </summary>
    public IReadOnlyList<string> ValidationScenes { get; init; } = ["Szada/7", "Tiszadob/5"];

    /// <summary>The side of a training crop in pixels; it has to fit into the L-shaped training area.</summary>
    public int CropSize { get; init; } = 112;

    /// <summary>
    /// The share of training crops, 0 to 1, that are drawn around a changed pixel; the others are drawn from everywhere, and so are those of
    /// a scene in which nothing changed.
    /// </summary>
    public double ChangedCropShare { get; init; }

    /// <summary>
    /// The side that crops are resized to, in pixels; null keeps them. The test crop is resized by the same factor, so that every split shows
    /// the ground at one scale.
    /// </summary>
    public int? SampleSize { get; init; }

    /// <summary>Whether the classes of a label with a palette are its indices; otherwise the palette's greys count, and colours are refused.</summary>
    public bool LabelIndices { get; init; }

    /// <summary>
    /// Whether images with an EXIF orientation, 16 bits a channel, alpha or CMYK become upright 8-bit grey or RGB, with a warning; otherwise they
    /// are refused.
    /// </summary>
    public bool ConvertsImages { get; init; } = true;

    /// <summary>How training crops are varied; the other splits never are.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>The mean of each channel, of values in 0..1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>The standard deviation of each channel.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];
}
