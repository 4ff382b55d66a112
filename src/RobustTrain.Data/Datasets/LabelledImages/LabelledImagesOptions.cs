using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.LabelledImages;

/// <summary>Which part of a folder of images with class maps is loaded, and how.</summary>
public abstract record LabelledImagesOptions
{
    /// <summary>The folder that holds the folders of images and labels, or a folder with these for each of <c>train</c>, <c>val</c> and <c>test</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The part of it.</summary>
    public required DatasetSplit Split { get; init; }

    /// <summary>
    /// A text file, relative to <see cref="Path"/>, with an image of the first folder on each line, by its file name or by that without extension, with its folder or
    /// without; without any list the folders train, val and test or the names' prefixes train_, val_ and test_ decide.
    /// </summary>
    public string? TrainList { get; init; }

    /// <summary>The list of the validation split.</summary>
    public string? ValList { get; init; }

    /// <summary>Several lists that make up the validation split together; null takes <see cref="ValList"/>.</summary>
    public IReadOnlyList<string>? ValLists { get; init; }

    /// <summary>The list of the test split.</summary>
    public string? TestList { get; init; }

    /// <summary>The side of a random training crop in pixels; null takes whole images. The other splits are never cropped.</summary>
    public int? CropSize { get; init; }

    /// <summary>
    /// The share of training crops, 0 to 1, that are drawn around a pixel of a class above 0 (a changed one, in pairs); the others are drawn from
    /// everywhere, and so are those of a label without such pixels.
    /// </summary>
    public double ChangedCropShare { get; init; }

    /// <summary>The classes of the label: values 0 to this - 1; with two classes 255 means 1.</summary>
    public int Classes { get; init; } = 2;

    /// <summary>A label value that is none of the classes and is passed on as it is; null for none. With two classes 255 is a class.</summary>
    public int? IgnoreIndex { get; init; } = 255;

    /// <summary>Whether the classes of a label with a palette are its indices; otherwise the palette's greys count, and colours are refused.</summary>
    public bool LabelIndices { get; init; }

    /// <summary>
    /// Whether images with an EXIF orientation, 16 bits a channel, alpha or CMYK become upright 8-bit grey or RGB, with a warning; otherwise they
    /// are refused.
    /// </summary>
    public bool ConvertsImages { get; init; } = true;

    /// <summary>Keeps decoded images; null decodes them each time.</summary>
    public ImageCache? Cache { get; init; }

    /// <summary>How training samples are varied; of it the other splits are only resized.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>The mean of each channel, of values in 0..1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>The standard deviation of each channel.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];
}
