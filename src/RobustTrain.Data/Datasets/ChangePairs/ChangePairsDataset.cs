using RobustTrain.Data.Datasets.LabelledImages;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets.ChangePairs;

/// <summary>Pairs of images in the folders A and B with a class map in the folder label, as LEVIR-CD and its like are distributed in crops.</summary>
public sealed class ChangePairsDataset : LabelledImagesDataset, IChangeDataset
{
    private static readonly SampleFolders s_folders = new("pair", "A", "B", "label");

    private readonly IReadOnlyList<ChangePair> _pairs;

    /// <summary>Opens a split, and checks everything that the folders and the files' headers tell.</summary>
    /// <exception cref="DatasetException">A folder, a list or a partner is missing, a file is no image, or sizes differ.</exception>
    public ChangePairsDataset(ChangePairsOptions options)
        : this(options, LabelledImagesLayout.Find(s_folders, options))
    {
    }

    private ChangePairsDataset(ChangePairsOptions options, ((string Name, string[] Files)[] Samples, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options, [.. found.Samples.Select(sample => new ChangePair(sample.Name, sample.Files[0], sample.Files[1], sample.Files[2]))], sampleSize: null, found.Warnings)
    {
    }

    /// <summary>Opens a split whose pairs have been found already.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="sampleSize">The size of a sample where the files are checked; null checks them.</param>
    /// <param name="warnings">What is to be said of the folder.</param>
    internal ChangePairsDataset(ChangePairsOptions options, IReadOnlyList<ChangePair> pairs, ImageSize? sampleSize, IReadOnlyList<DatasetWarning> warnings)
        : base(options, ["image1", "image2"], pairs, sampleSize, warnings)
    {
        Options = options;
        _pairs = pairs;
    }

    /// <summary>What the dataset was opened with.</summary>
    public ChangePairsOptions Options { get; }

    /// <inheritdoc/>
    public override DatasetDescription Description => new ChangePairsDescription(Options, _pairs, SampleSize.Width, SampleSize.Height);
}

/// <summary>Which part of a folder of image pairs is loaded, and how.</summary>
public sealed record ChangePairsOptions : LabelledImagesOptions;

/// <summary>A part of a folder of pairs.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Pairs">The pairs as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
internal sealed record ChangePairsDescription(ChangePairsOptions Options, IReadOnlyList<ChangePair> Pairs, int Width, int Height) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ChangePairsDataset(Options, Pairs, (Width, Height), warnings: []);
}
