using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.PairedImages;

/// <summary>Which part of a folder of images in high and low quality is loaded, and how.</summary>
public sealed record PairedImagesOptions
{
    /// <summary>
    /// The folder. In it lie <c>train</c>, <c>val</c> and <c>test</c>, each with the folder <c>gt</c> (ground truth) and, where there are low-quality
    /// images, <c>lq</c>; or the folders <c>gt</c> and <c>lq</c> themselves, of which lists say what belongs to a split.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>The part of it.</summary>
    public required DatasetSplit Split { get; init; }

    /// <summary>By how much the ground truth's sides are longer.</summary>
    public required int Scale { get; init; }

    /// <summary>Folders of the ground truth by split, relative to <see cref="Path"/>; a split without one is looked for there.</summary>
    public IReadOnlyDictionary<DatasetSplit, string> GtFolders { get; init; } = new Dictionary<DatasetSplit, string>();

    /// <summary>Folders of the low-quality images by split, likewise.</summary>
    public IReadOnlyDictionary<DatasetSplit, string> LqFolders { get; init; } = new Dictionary<DatasetSplit, string>();

    /// <summary>
    /// Text files by split, relative to <see cref="Path"/>, with an image of the ground truth on each line: its path in its folder, to which its size
    /// in brackets may follow (BasicSR's <c>meta_info</c>). A split without one takes its whole folder.
    /// </summary>
    public IReadOnlyDictionary<DatasetSplit, string> Lists { get; init; } = new Dictionary<DatasetSplit, string>();

    /// <summary>The low-quality image's name without extension, <c>{}</c> standing for that of its ground truth.</summary>
    public string FilenameTmpl { get; init; } = "{}";

    /// <summary>The side of a random training crop of the ground truth in pixels; null takes whole images.</summary>
    public int? CropSize { get; init; }

    /// <summary>The side of the tiles of the ground truth that images of validation and test are cut into; null takes whole images.</summary>
    public int? TileSize { get; init; }

    /// <summary>1 for grey, 3 for RGB; grey images are repeated in three channels.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>How low-quality images are made.</summary>
    public DegradationOptions Degradation { get; init; } = new();

    /// <summary>Whether the ground truth of training is sharpened, before low-quality images are made of it by the first and second order.</summary>
    public bool SharpensGt { get; init; }

    /// <summary>Whether images that are not upright 8-bit grey or RGB are converted, with a warning; otherwise they are refused.</summary>
    public bool ConvertsImages { get; init; } = true;

    /// <summary>Keeps decoded images; null decodes them each time.</summary>
    public ImageCache? Cache { get; init; }

    /// <summary>How training samples are flipped and rotated, both images alike; its colours and its resizing don't apply.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;
}
