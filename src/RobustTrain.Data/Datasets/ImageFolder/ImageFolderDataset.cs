using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.ImageFolder;

/// <summary>The images of a folder and of those in it, in the order of their paths, in random crops: field <c>image</c> (Float32, channels x height x width).</summary>
public sealed class ImageFolderDataset : IPortableDataset, IFileBackedDataset, IDisposable
{
    private readonly ImageFolderOptions _options;
    private readonly string[] _files;
    private readonly SampleWriter _writer;
    private readonly ScratchPool _scratch = new();

    /// <summary>Opens a folder.</summary>
    /// <exception cref="DatasetException">The folder is missing or has no images.</exception>
    public ImageFolderDataset(ImageFolderOptions options)
        : this(options, Find(options.Path))
    {
    }

    private ImageFolderDataset(ImageFolderOptions options, (string[] Files, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options, found.Files)
    {
        using HeaderCheck check = new();
        foreach (string file in _files)
            check.NoteIfReadable(file);
        Warnings = [.. found.Warnings, .. check.Warnings];
    }

    /// <summary>Opens a folder whose images somebody has found already.</summary>
    internal ImageFolderDataset(ImageFolderOptions options, IReadOnlyList<string> files)
    {
        _options = options;
        _files = [.. files];
        Normalization normalization = new(options.Mean, options.Std);
        _writer = new SampleWriter(normalization, options.Augmentation);
        Fields = [new FieldSpec("image", ElementType.Float32, [normalization.Channels, options.CropSize, options.CropSize])];
    }

    /// <inheritdoc/>
    public int Count => _files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; } = [];

    /// <inheritdoc/>
    public DatasetDescription Description => new ImageFolderDescription(_options, _files);

    /// <inheritdoc/>
    public string NameOf(int index) => Path.GetRelativePath(_options.Path, _files[index]);

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index) => [_files[index]];

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        string file = _files[key.Index];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        scratch.Reader.Decode(file, scratch.Image);
        using (StageClock.Enter(LoadStage.Augment))
        {
            int width = scratch.Image.Width - _options.CropSize;
            int height = scratch.Image.Height - _options.CropSize;
            if (width < 0 || height < 0)
                throw new SampleException($"The image '{file}' is {scratch.Image.Width}x{scratch.Image.Height} pixels, smaller than the crop of {_options.CropSize}.", file);
            SampleRandom random = new(key, SampleStreams.Geometry);
            PixelWindow window = new PixelWindow(random.NextInt(width + 1), random.NextInt(height + 1), _options.CropSize, _options.CropSize)
                .Vary(_options.Augmentation, ref random);
            SampleRandom colors = new(key, SampleStreams.Color);
            _writer.WriteImage(scratch.Image, window, ref colors, target.Field<float>(0));
        }
    }

    private static (string[] Files, IReadOnlyList<DatasetWarning> Warnings) Find(string path)
    {
        string root = DatasetFolder.Open(path);
        string[] files = DatasetFolder.FilesBelow(root);
        string[] images = [.. files.Where(DatasetFolder.IsImage).Select(file => DatasetFolder.FullPath(root, file))];
        if (images.Length == 0)
            throw new DatasetException($"The folder '{root}' has no images; expected PNG, JPEG or BMP files.", root);
        return (images, DatasetFolder.Unused(root, (DatasetFolder.OtherFormats, files.Where(file => !DatasetFolder.IsImage(file)))));
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();
}

/// <summary>The images of a folder.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Files">The images as they were found.</param>
internal sealed record ImageFolderDescription(ImageFolderOptions Options, IReadOnlyList<string> Files) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ImageFolderDataset(Options, Files);
}

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
