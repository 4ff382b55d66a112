using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.LabelledImages;

/// <summary>
/// Images with class maps: a field (Float32, channels x height x width, normalised) for each image of a sample, then the field <c>label</c>
/// (Int64, height x width).
/// </summary>
public abstract class LabelledImagesDataset : IClassCountingDataset, ICheckableDataset, IPortableDataset, IFileBackedDataset, IDisposable
{
    private readonly LabelledImagesOptions _options;
    private readonly IReadOnlyList<ILabelledImages> _samples;
    private readonly SampleWriter _writer;
    private readonly LabelClasses _classes;
    private readonly ScratchPool _scratch;

    /// <summary>Opens a split.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="imageFields">The fields of a sample's images.</param>
    /// <param name="samples">The samples that were found.</param>
    /// <param name="sampleSize">The size of a sample where the files are checked; null checks them.</param>
    /// <param name="warnings">What is to be said of the folder.</param>
    /// <exception cref="DatasetException">A file is no image, or sizes differ.</exception>
    private protected LabelledImagesDataset(
        LabelledImagesOptions options, IReadOnlyList<string> imageFields, IReadOnlyList<ILabelledImages> samples, ImageSize? sampleSize, IReadOnlyList<DatasetWarning> warnings)
    {
        _options = options;
        _scratch = new ScratchPool(options.Cache);
        _classes = new LabelClasses(options.Classes, options.IgnoreIndex);
        Normalization normalization = new(options.Mean, options.Std);
        _writer = new SampleWriter(normalization, options.Split == DatasetSplit.Train ? options.Augmentation : AugmentationOptions.None);
        _samples = samples;
        Warnings = warnings;
        if (sampleSize is null)
        {
            using HeaderCheck check = new(options.ConvertsImages, options.LabelIndices, options.Classes);
            sampleSize = SizeOfSamples(LabelledImagesLayout.CheckHeaders(samples, normalization.Channels, Crops && options.Augmentation.Resize is null ? options.CropSize : null, check));
            Warnings = [.. warnings, .. check.Warnings];
        }

        SampleSize = sampleSize.Value;
        Fields =
        [
            .. imageFields.Select(name => new FieldSpec(name, ElementType.Float32, [normalization.Channels, SampleSize.Height, SampleSize.Width])),
            new FieldSpec("label", ElementType.Int64, [SampleSize.Height, SampleSize.Width]),
        ];
    }

    /// <inheritdoc/>
    public int Count => _samples.Count;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; }

    /// <inheritdoc/>
    public abstract DatasetDescription Description { get; }

    /// <summary>The size of a sample.</summary>
    private protected ImageSize SampleSize { get; }

    private bool Crops => _options.Split == DatasetSplit.Train && _options.CropSize is not null;

    /// <inheritdoc/>
    public string NameOf(int index) => _samples[index].Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index) => [.. _samples[index].Images, _samples[index].Label];

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        ILabelledImages sample = _samples[key.Index];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        SampleRandom colors = new(key, SampleStreams.Color);

        // The label comes first: the window depends on the images' size, and it is the smallest to decode.
        ImageBuffer stored = LabelClasses.Read(scratch.Reader, sample.Label, scratch.Label, _options.LabelIndices);
        ImageSize size = (stored.Width, stored.Height);
        PixelWindow window;
        using (StageClock.Enter(LoadStage.Augment))
        {
            ImageBuffer label = Resized(stored, scratch.Resized, Resizer.Nearest);
            window = WindowOf(key, sample, label, scratch.Changed);
            _classes.Write(label, window, target.Field<long>(sample.Images.Count), sample.Label);
        }

        for (int image = 0; image < sample.Images.Count; image++)
            LoadImage(sample.Images[image], image, target);

        void LoadImage(string path, int field, SampleBuffer target)
        {
            ImageBuffer image = scratch.Reader.Read(path, scratch.Image);
            if ((image.Width, image.Height) != size)
                throw new SampleException($"The image '{path}' is {image.Width}x{image.Height} pixels, but its label '{sample.Label}' is {size.Width}x{size.Height}; expected one size.", path);
            using (StageClock.Enter(LoadStage.Augment))
                _writer.WriteImage(Resized(image, scratch.Resized, Resizer.Bilinear), window, ref colors, target.Field<float>(field));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<long> CountClasses()
    {
        long[] counts = new long[_options.Classes];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        foreach (ILabelledImages sample in _samples)
        {
            ImageBuffer label = LabelClasses.Read(scratch.Reader, sample.Label, scratch.Label, _options.LabelIndices);
            _classes.Count(label, new PixelWindow(0, 0, label.Width, label.Height), counts, sample.Label);
        }

        return counts;
    }

    /// <inheritdoc/>
    public int PartCount => _samples.Count;

    /// <inheritdoc/>
    public IReadOnlyList<DatasetFault> FaultsOfPart(int part)
    {
        using ScratchPool.Lease lease = _scratch.Rent();
        return LabelledImagesCheck.FaultsOf(_samples[part], _classes, _options.LabelIndices, lease.Scratch);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scratch.Dispose();
        GC.SuppressFinalize(this);
    }

    private PixelWindow WindowOf(SampleKey key, ILabelledImages sample, ImageBuffer label, ChangedPixels changed)
    {
        (int width, int height) = (label.Width, label.Height);
        SampleRandom random = new(key, SampleStreams.Geometry);
        if (!Crops)
        {
            if ((width, height) != SampleSize)
                throw new SampleException($"The image '{sample.Label}' is {width}x{height} pixels; expected {SampleSize.Width}x{SampleSize.Height}, as the others.", sample.Label);
            PixelWindow whole = new(0, 0, width, height);
            return _options.Split == DatasetSplit.Train ? whole.Vary(_options.Augmentation, ref random) : whole;
        }

        int side = SampleSize.Width;
        if (width < side || height < side)
            throw new SampleException($"The image '{sample.Label}' is {width}x{height} pixels, smaller than the crop of {side}.", sample.Label);
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

    private ImageSize SizeOfSamples(ImageSize? imageSize)
    {
        if (_samples.Count == 0)
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
