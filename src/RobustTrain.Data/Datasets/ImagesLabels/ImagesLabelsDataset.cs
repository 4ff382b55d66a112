using RobustTrain.Data.Datasets.LabelledImages;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.ImagesLabels;

/// <summary>Images in the folder images with class maps of the same names in the folder labels: fields <c>image</c> and <c>label</c>.</summary>
public sealed class ImagesLabelsDataset : LabelledImagesDataset
{
    private static readonly SampleFolders s_folders = new("image", "images", "labels");

    private readonly IReadOnlyList<LabelledImage> _images;

    /// <summary>Opens a split, and checks everything that the folders and the files' headers tell.</summary>
    /// <exception cref="DatasetException">A folder, a list or a label is missing, a file is no image, or sizes differ.</exception>
    public ImagesLabelsDataset(ImagesLabelsOptions options)
        : this(options, LabelledImagesLayout.Find(s_folders, options))
    {
    }

    private ImagesLabelsDataset(ImagesLabelsOptions options, ((string Name, string[] Files)[] Samples, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options, [.. found.Samples.Select(sample => new LabelledImage(sample.Name, sample.Files[0], sample.Files[1]))], sampleSize: null, found.Warnings)
    {
    }

    /// <summary>Opens a split whose images have been found already.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="images">The images.</param>
    /// <param name="sampleSize">The size of a sample where the files are checked; null checks them.</param>
    /// <param name="warnings">What is to be said of the folder.</param>
    internal ImagesLabelsDataset(ImagesLabelsOptions options, IReadOnlyList<LabelledImage> images, ImageSize? sampleSize, IReadOnlyList<DatasetWarning> warnings)
        : base(options, ["image"], images, sampleSize, warnings)
    {
        Options = options;
        _images = images;
    }

    /// <summary>What the dataset was opened with.</summary>
    public ImagesLabelsOptions Options { get; }

    /// <inheritdoc/>
    public override DatasetDescription Description => new ImagesLabelsDescription(Options, _images, SampleSize.Width, SampleSize.Height);
}

/// <summary>Which part of a folder of images with class maps is loaded, and how.</summary>
public sealed record ImagesLabelsOptions : LabelledImagesOptions;

/// <summary>The files of an image with a class map.</summary>
/// <param name="Name">The name that they share.</param>
/// <param name="Image">The image.</param>
/// <param name="Label">The class map.</param>
public sealed record LabelledImage(string Name, string Image, string Label) : ILabelledImages
{
    IReadOnlyList<string> ILabelledImages.Images => [Image];
}

/// <summary>A part of a folder of images with class maps.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Images">The images as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
internal sealed record ImagesLabelsDescription(ImagesLabelsOptions Options, IReadOnlyList<LabelledImage> Images, int Width, int Height) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ImagesLabelsDataset(Options, Images, (Width, Height), warnings: []);
}
