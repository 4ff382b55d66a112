using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.ImageFolders;

/// <summary>
/// Images of classes, each class a folder: fields <c>image</c> (Float32, channels x side x side, normalised) and <c>label</c> (Int64, of no
/// dimensions).
/// </summary>
public sealed class ImageFoldersDataset : IClassCountingDataset, ICheckableDataset, IPortableDataset, IFileBackedDataset, IDisposable
{
    private const int Image = 0;
    private const int Label = 1;

    private readonly IReadOnlyList<ClassImage> _images;
    private readonly SampleWriter _writer;
    private readonly ScratchPool _scratch;

    /// <summary>Opens a split, and checks everything that the folders and the files' headers tell.</summary>
    /// <exception cref="DatasetException">The folders are not those of the classes, a class has no image, or a file is no image.</exception>
    public ImageFoldersDataset(ImageFoldersOptions options)
        : this(options, ImageFoldersLayout.Find(options))
    {
    }

    private ImageFoldersDataset(ImageFoldersOptions options, (IReadOnlyList<string> ClassNames, ClassImage[] Images, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options with { ClassNames = found.ClassNames }, found.Images)
    {
        using HeaderCheck check = new(options.ConvertsImages);
        List<DatasetFault> faults = [];
        foreach (ClassImage image in found.Images)
            CheckHeader(image.File, check, faults);
        DatasetException.ThrowIfAny(faults);
        Warnings = [.. found.Warnings, .. check.Warnings];
    }

    /// <summary>Opens a split whose images have been found and checked already.</summary>
    internal ImageFoldersDataset(ImageFoldersOptions options, IReadOnlyList<ClassImage> images)
    {
        Options = options;
        _images = images;
        _scratch = new ScratchPool(options.Cache);
        Normalization normalization = new(options.Mean, options.Std);
        _writer = new SampleWriter(normalization, options.Split == DatasetSplit.Train ? options.Augmentation : AugmentationOptions.None);
        Fields =
        [
            new FieldSpec("image", ElementType.Float32, [normalization.Channels, options.ImageSize, options.ImageSize]),
            new FieldSpec("label", ElementType.Int64, []),
        ];
    }

    /// <summary>What the dataset was opened with, and the classes that were found.</summary>
    public ImageFoldersOptions Options { get; }

    /// <summary>The names of the classes, in the order of their numbers.</summary>
    public IReadOnlyList<string> ClassNames => Options.ClassNames!;

    /// <inheritdoc/>
    public int Count => _images.Count;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; } = [];

    /// <inheritdoc/>
    public DatasetDescription Description => new ImageFoldersDescription(Options, _images);

    /// <inheritdoc/>
    public int PartCount => _images.Count;

    private bool IsVaried => Options.Split == DatasetSplit.Train && Options.IsVaried;

    /// <inheritdoc/>
    public string NameOf(int index) => _images[index].Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index) => [_images[index].File];

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        ClassImage image = _images[key.Index];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        ImageBuffer source = scratch.Reader.Read(image.File, scratch.Image);
        using (StageClock.Enter(LoadStage.Augment))
        {
            int side = Options.ImageSize;
            (int width, int height) = (source.Width, source.Height);
            SampleRandom random = new(key, SampleStreams.Geometry);
            PixelSquare square = IsVaried ? PixelSquare.Draw(width, height, Options.SmallestCropArea, ref random) : PixelSquare.Central(width, height);
            PixelWindow window = new(square.X, square.Y, side, side);
            if (square.Side != side)
            {
                scratch.Squares.Resize(source, square, scratch.Resized, side);
                (source, window) = (scratch.Resized, new PixelWindow(0, 0, side, side));
            }

            if (IsVaried)
                window = window.Vary(Options.Augmentation, ref random);
            SampleRandom colors = new(key, SampleStreams.Color);
            _writer.WriteImage(source, window, ref colors, target.Field<float>(Image));
        }

        target.Field<long>(Label)[0] = image.Class;
    }

    /// <inheritdoc/>
    public IReadOnlyList<long> CountClasses()
    {
        long[] counts = new long[ClassNames.Count];
        foreach (ClassImage image in _images)
            counts[image.Class]++;
        return counts;
    }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetFault> FaultsOfPart(int part)
    {
        using ScratchPool.Lease lease = _scratch.Rent();
        try
        {
            lease.Scratch.Reader.Decode(_images[part].File, lease.Scratch.Image);
            return [];
        }
        catch (SampleException exception)
        {
            return [new DatasetFault(exception.Message, exception.Path)];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    private void CheckHeader(string file, HeaderCheck check, List<DatasetFault> faults)
    {
        try
        {
            ImageInfo info = check.Image(file);
            DatasetFolder.Require(info.Format, file);
            if (info.Channels > Options.Mean.Count)
                faults.Add(new DatasetFault($"The image '{file}' has 3 channels, but mean and std have {Options.Mean.Count} value; expected 3.", file));
        }
        catch (DatasetException exception)
        {
            faults.AddRange(exception.Faults);
        }
    }
}

/// <summary>A part of a folder of classes.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Images">The images as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
internal sealed record ImageFoldersDescription(ImageFoldersOptions Options, IReadOnlyList<ClassImage> Images) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ImageFoldersDataset(Options, Images);
}

/// <summary>Which part of a folder of classes is loaded, and how.</summary>
public sealed record ImageFoldersOptions
{
    /// <summary>The folder that holds a folder for each class, or the folders train, val and test with these in each.</summary>
    public required string Path { get; init; }

    /// <summary>The part of it.</summary>
    public required DatasetSplit Split { get; init; }

    /// <summary>The classes in the order of their numbers; null takes the names of the training split's folders, in ordinal order.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The side of a sample in pixels: a square of the image is brought to it.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>The least share of the largest square's area that a training sample shows, above 0 to 1; the other splits show the largest in the middle.</summary>
    public double SmallestCropArea { get; init; } = 1;

    /// <summary>Whether training samples are cut out and varied at random; otherwise they are seen as the other splits are.</summary>
    public bool IsVaried { get; init; } = true;

    /// <summary>The share of each class that validates where there is no folder val.</summary>
    public double ValShare { get; init; } = 0.1;

    /// <summary>The share of each class that tests where there is no folder test.</summary>
    public double TestShare { get; init; } = 0.1;

    /// <summary>Chooses the images of these shares.</summary>
    public long SplitSeed { get; init; }

    /// <summary>
    /// Whether images with an EXIF orientation, 16 bits a channel, alpha or CMYK become upright 8-bit grey or RGB, with a warning; otherwise they
    /// are refused.
    /// </summary>
    public bool ConvertsImages { get; init; } = true;

    /// <summary>Keeps decoded images; null decodes them each time.</summary>
    public ImageCache? Cache { get; init; }

    /// <summary>How training samples are varied.</summary>
    public AugmentationOptions Augmentation { get; init; } = AugmentationOptions.None;

    /// <summary>The mean of each channel, of values in 0..1.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>The standard deviation of each channel.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];
}
