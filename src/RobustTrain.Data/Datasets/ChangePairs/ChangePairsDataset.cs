using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.ChangePairs;

/// <summary>Pairs of images in the folders A and B with a class map in the folder label, as LEVIR-CD and its like are distributed in crops.</summary>
public sealed class ChangePairsDataset : IChangeDataset, IPortableDataset, IFileBackedDataset, IDisposable
{
    private const int Image1 = 0;
    private const int Image2 = 1;
    private const int Label = 2;

    private readonly ChangePairsOptions _options;
    private readonly ChangePair[] _pairs;
    private readonly SampleWriter _writer;
    private readonly LabelClasses _classes;
    private readonly ImageSize _sampleSize;
    private readonly ScratchPool _scratch = new();

    /// <summary>Opens a split, and checks everything that the folders and the files' headers tell.</summary>
    /// <exception cref="DatasetException">A folder, a list or a partner is missing, a file is no image, or sizes differ.</exception>
    public ChangePairsDataset(ChangePairsOptions options)
        : this(options, ChangePairsLayout.Find(options))
    {
    }

    private ChangePairsDataset(ChangePairsOptions options, (ChangePair[] Pairs, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options, found.Pairs, sampleSize: null)
    {
        Warnings = [.. found.Warnings, .. Warnings];
    }

    /// <summary>Opens a split whose pairs somebody has found already.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="sampleSize">The size of a sample where the files are checked; null checks them.</param>
    internal ChangePairsDataset(ChangePairsOptions options, IReadOnlyList<ChangePair> pairs, ImageSize? sampleSize)
    {
        _options = options;
        _classes = new LabelClasses(options.Classes, options.IgnoreIndex);
        Normalization normalization = new(options.Mean, options.Std);
        _writer = new SampleWriter(normalization, options.Split == DatasetSplit.Train ? options.Augmentation : AugmentationOptions.None);
        _pairs = [.. pairs];
        if (sampleSize is null)
        {
            using HeaderCheck check = new(options.ConvertsImages, options.LabelIndices, options.Classes);
            sampleSize = SampleSize(ChangePairsLayout.CheckHeaders(_pairs, normalization.Channels, Crops && options.Augmentation.Resize is null ? options.CropSize : null, check));
            Warnings = check.Warnings;
        }

        _sampleSize = sampleSize.Value;
        Fields =
        [
            new FieldSpec("image1", ElementType.Float32, [normalization.Channels, _sampleSize.Height, _sampleSize.Width]),
            new FieldSpec("image2", ElementType.Float32, [normalization.Channels, _sampleSize.Height, _sampleSize.Width]),
            new FieldSpec("label", ElementType.Int64, [_sampleSize.Height, _sampleSize.Width]),
        ];
    }

    /// <inheritdoc/>
    public int Count => _pairs.Length;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; } = [];

    /// <summary>What the dataset was opened with.</summary>
    public ChangePairsOptions Options => _options;

    /// <inheritdoc/>
    public DatasetDescription Description => new ChangePairsDescription(_options, _pairs, _sampleSize.Width, _sampleSize.Height);

    private bool Crops => _options.Split == DatasetSplit.Train && _options.CropSize is not null;

    /// <inheritdoc/>
    public string NameOf(int index) => _pairs[index].Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index) => [_pairs[index].Image1, _pairs[index].Image2, _pairs[index].Label];

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        ChangePair pair = _pairs[key.Index];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        SampleRandom colors = new(key, SampleStreams.Color);

        // The label comes first: the window depends on the images' size, and it is the smallest to decode.
        LabelClasses.Decode(scratch.Reader, pair.Label, scratch.Label, _options.LabelIndices);
        ImageSize size = (scratch.Label.Width, scratch.Label.Height);
        PixelWindow window;
        using (StageClock.Enter(LoadStage.Augment))
        {
            ImageBuffer label = Resized(scratch.Label, scratch.Resized, Resizer.Nearest);
            window = WindowOf(key, pair, label, scratch.Changed);
            _classes.Write(label, window, target.Field<long>(Label), pair.Label);
        }

        LoadImage(pair.Image1, Image1, target);
        LoadImage(pair.Image2, Image2, target);

        void LoadImage(string path, int field, SampleBuffer target)
        {
            scratch.Reader.Decode(path, scratch.Image);
            if ((scratch.Image.Width, scratch.Image.Height) != size)
                throw new SampleException($"The image '{path}' is {scratch.Image.Width}x{scratch.Image.Height} pixels, but its label '{pair.Label}' is {size.Width}x{size.Height}; expected one size.", path);
            using (StageClock.Enter(LoadStage.Augment))
                _writer.WriteImage(Resized(scratch.Image, scratch.Resized, Resizer.Bilinear), window, ref colors, target.Field<float>(field));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<long> CountClasses()
    {
        long[] counts = new long[_options.Classes];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        foreach (ChangePair pair in _pairs)
        {
            LabelClasses.Decode(scratch.Reader, pair.Label, scratch.Label, _options.LabelIndices);
            _classes.Count(scratch.Label, new PixelWindow(0, 0, scratch.Label.Width, scratch.Label.Height), counts, pair.Label);
        }

        return counts;
    }

    /// <inheritdoc/>
    public int PartCount => _pairs.Length;

    /// <inheritdoc/>
    public IReadOnlyList<DatasetFault> FaultsOfPart(int part)
    {
        using ScratchPool.Lease lease = _scratch.Rent();
        return PairCheck.FaultsOf(_pairs[part], _classes, _options.LabelIndices, lease.Scratch);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    private PixelWindow WindowOf(SampleKey key, ChangePair pair, ImageBuffer label, ChangedPixels changed)
    {
        (int width, int height) = (label.Width, label.Height);
        SampleRandom random = new(key, SampleStreams.Geometry);
        if (!Crops)
        {
            if ((width, height) != _sampleSize)
                throw new SampleException($"The image '{pair.Label}' is {width}x{height} pixels; expected {_sampleSize.Width}x{_sampleSize.Height}, as the others.", pair.Label);
            PixelWindow whole = new(0, 0, width, height);
            return _options.Split == DatasetSplit.Train ? whole.Vary(_options.Augmentation, ref random) : whole;
        }

        int side = _sampleSize.Width;
        if (width < side || height < side)
            throw new SampleException($"The image '{pair.Label}' is {width}x{height} pixels, smaller than the crop of {side}.", pair.Label);
        CropCorners corners = new(0, 0, width - side + 1, height - side + 1);
        (int x, int y) = (random.NextInt(corners.Columns), random.NextInt(corners.Rows));
        SampleRandom change = new(key, SampleStreams.Change);
        if (change.NextBool(_options.ChangedCropShare))
        {
            changed.Find(label, _classes, [corners], side);
            (x, y) = changed.DrawCorner([corners], side, ref change) ?? (x, y);
        }

        return new PixelWindow(x, y, side, side).Vary(_options.Augmentation, ref random);
    }

    private ImageBuffer Resized(ImageBuffer image, ImageBuffer target, Action<ImageBuffer, ImageBuffer, int, int> resize)
    {
        if (_options.Augmentation.Size is not ImageSize wanted || (image.Width, image.Height) == (wanted.Width, wanted.Height))
            return image;
        resize(image, target, wanted.Width, wanted.Height);
        return target;
    }

    private ImageSize SampleSize(ImageSize? imageSize)
    {
        if (_pairs.Length == 0)
            return (_options.CropSize ?? 1, _options.CropSize ?? 1);
        ImageSize? size = _options.Augmentation.Size ?? imageSize;
        if (!Crops)
            return size ?? throw new DatasetException($"The images in '{_options.Path}' have different sizes; give a size to resize to, or a crop size for training.", _options.Path);
        int crop = _options.CropSize!.Value;
        return size is null || (crop <= size.Value.Width && crop <= size.Value.Height)
            ? (crop, crop)
            : throw new DatasetException($"The images in '{_options.Path}' are {size.Value.Width}x{size.Value.Height} pixels, smaller than the crop of {crop}.", _options.Path);
    }
}

/// <summary>A part of a folder of pairs.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Pairs">The pairs as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
internal sealed record ChangePairsDescription(ChangePairsOptions Options, IReadOnlyList<ChangePair> Pairs, int Width, int Height) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new ChangePairsDataset(Options, Pairs, (Width, Height));
}
