using System.Globalization;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Degradation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.PairedImages;

/// <summary>
/// Images in low and high quality, as super-resolution learns from: fields <c>lq</c> (Float32, channels x height x width, values 0 to 1) and
/// <c>gt</c>, whose sides are longer by the scale. Low-quality images are read, or made of the ground truth.
/// </summary>
public sealed class PairedImagesDataset : IPortableDataset, IFileBackedDataset, ICheckableDataset, IDisposable
{
    private const int Lq = 0;
    private const int Gt = 1;
    private static readonly Normalization s_grey = new([0], [1]);
    private static readonly Normalization s_rgb = new([0, 0, 0], [1, 1, 1]);

    private readonly PairedImagesOptions _options;
    private readonly PairedImage[] _pairs;
    private readonly Cut[] _cuts;
    private readonly SampleWriter _writer;
    private readonly ImageSize _sampleSize;
    private readonly ScratchPool _scratch;

    /// <summary>Opens a split, and checks everything that the folders and the files' headers tell.</summary>
    /// <exception cref="DatasetException">
    /// A folder, a list or a partner is missing, a file is no image, a low-quality image is not smaller than its ground truth by the scale, or images
    /// that are not cut have different sizes.
    /// </exception>
    public PairedImagesDataset(PairedImagesOptions options)
        : this(options, PairedImagesLayout.Find(options))
    {
    }

    private PairedImagesDataset(PairedImagesOptions options, (PairedImage[] Pairs, IReadOnlyList<DatasetWarning> Warnings) found)
        : this(options, found.Pairs) => Warnings = found.Warnings;

    /// <summary>Opens a split whose images have been found already.</summary>
    internal PairedImagesDataset(PairedImagesOptions options, IReadOnlyList<PairedImage> pairs)
    {
        _options = options;
        _scratch = new ScratchPool(options.Cache);
        _pairs = [.. pairs];
        _writer = new SampleWriter(options.Channels == 1 ? s_grey : s_rgb, AugmentationOptions.None);
        if (options.Degradation.UsesJpeg && _pairs.Any(pair => pair.Lq is null))
            DatasetFolder.Require(ImageFormat.Jpeg, options.Path);
        _sampleSize = SizeOfSamples();
        _cuts = [.. Enumerable.Range(0, _pairs.Length).SelectMany(CutsOf)];
        Fields =
        [
            new FieldSpec("lq", ElementType.Float32, [options.Channels, _sampleSize.Height / options.Scale, _sampleSize.Width / options.Scale]),
            new FieldSpec("gt", ElementType.Float32, [options.Channels, _sampleSize.Height, _sampleSize.Width]),
        ];
    }

    /// <inheritdoc/>
    public int Count => _cuts.Length;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; } = [];

    /// <inheritdoc/>
    public DatasetDescription Description => new PairedImagesDescription(_options, _pairs);

    /// <inheritdoc/>
    public int PartCount => _pairs.Length;

    private bool IsTraining => _options.Split == DatasetSplit.Train;

    private bool Crops => IsTraining && _options.CropSize is not null;

    private bool Tiles => !IsTraining && _options.TileSize is not null;

    /// <summary>The image that a sample is of, and its corner in the ground truth, by the sample's name: tiles are called NAME@X,Y.</summary>
    public static (string Image, int X, int Y) PartOf(string sample)
    {
        int at = sample.LastIndexOf('@');
        string[] corner = at > 0 ? sample[(at + 1)..].Split(',') : [];
        return corner is [string left, string top]
            && int.TryParse(left, NumberStyles.None, CultureInfo.InvariantCulture, out int x) && int.TryParse(top, NumberStyles.None, CultureInfo.InvariantCulture, out int y)
            ? (sample[..at], x, y)
            : (sample, 0, 0);
    }

    /// <inheritdoc/>
    public string NameOf(int index)
    {
        Cut cut = _cuts[index];
        string name = _pairs[cut.Pair].Name;
        return Tiles ? FormattableString.Invariant($"{name}@{cut.X},{cut.Y}") : name;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index) => _pairs[_cuts[index].Pair] is var pair && pair.Lq is { } lq ? [pair.Gt, lq] : [pair.Gt];

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        Cut cut = _cuts[key.Index];
        PairedImage pair = _pairs[cut.Pair];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;

        // The test's images, and those that decide which epoch is best, are the same ones every time.
        SampleKey degradationKey = IsTraining ? key : new SampleKey(0, 0, key.Index);
        SampleRandom degradation = new(degradationKey, SampleStreams.Degradation);
        ImageBuffer high = Read(scratch.Reader, pair.Gt, scratch.Image, pair);
        PixelWindow window;
        using (StageClock.Enter(LoadStage.Augment))
        {
            window = WindowOf(key, cut, pair);
            SampleRandom unused = default;
            Span<float> truth = target.Field<float>(Gt);
            _writer.WriteImage(high, window, ref unused, truth);
            if (IsTraining && _options.SharpensGt)
                scratch.Sharpening.Apply(truth, window.OutputWidth, window.OutputHeight, _options.Channels);
            if (pair.Lq is null)
            {
                Make(scratch, high, window, truth, ref degradation, target.Field<float>(Lq));
                return;
            }
        }

        ImageBuffer low = scratch.Reader.Read(pair.Lq, scratch.Resized);
        int scale = _options.Scale;
        if (low.Width * scale != pair.Width || low.Height * scale != pair.Height)
            throw new SampleException($"The image '{pair.Lq}' is {low.Width}x{low.Height} pixels; expected {pair.Width / scale}x{pair.Height / scale}, as when the dataset was opened.", pair.Lq);
        using (StageClock.Enter(LoadStage.Augment))
        {
            SampleRandom unused = default;
            _writer.WriteImage(low, window with { X = window.X / scale, Y = window.Y / scale, Width = window.Width / scale, Height = window.Height / scale }, ref unused, target.Field<float>(Lq));
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetFault> FaultsOfPart(int part)
    {
        List<DatasetFault> faults = [];
        using ScratchPool.Lease lease = _scratch.Rent();
        foreach (string file in new[] { _pairs[part].Gt, _pairs[part].Lq }.OfType<string>())
        {
            try
            {
                lease.Scratch.Reader.Decode(file, lease.Scratch.Image);
            }
            catch (SampleException exception)
            {
                faults.Add(new DatasetFault(exception.Message, exception.Path));
            }
        }

        return faults;
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    private ImageBuffer Read(ImageReader reader, string file, ImageBuffer target, PairedImage pair)
    {
        ImageBuffer image = reader.Read(file, target);
        int scale = _options.Scale;
        if (image.Width / scale * scale != pair.Width || image.Height / scale * scale != pair.Height)
            throw new SampleException($"The image '{file}' is {image.Width}x{image.Height} pixels; expected {pair.Width}x{pair.Height}, as when the dataset was opened.", file);
        return image;
    }

    private void Make(SampleScratch scratch, ImageBuffer high, PixelWindow window, ReadOnlySpan<float> truth, ref SampleRandom random, Span<float> target)
    {
        DegradationOptions degradation = _options.Degradation;
        if (degradation.Name is "first-order" or "second-order")
            scratch.Degrader.Degrade(degradation, truth, window.OutputWidth, window.OutputHeight, _options.Channels, _options.Scale, ref random, target);
        else
            scratch.Degrader.Reduce(high, window, _options.Scale, _options.Channels, degradation.Name == "bicubic" ? degradation.JpegRange : null, ref random, target);
    }

    // A crop begins at a pixel of the low-quality image.
    private PixelWindow WindowOf(SampleKey key, Cut cut, PairedImage pair)
    {
        if (!IsTraining)
            return new PixelWindow(cut.X, cut.Y, _sampleSize.Width, _sampleSize.Height);
        SampleRandom random = new(key, SampleStreams.Geometry);
        int scale = _options.Scale;
        int x = random.NextInt(((pair.Width - _sampleSize.Width) / scale) + 1) * scale;
        int y = random.NextInt(((pair.Height - _sampleSize.Height) / scale) + 1) * scale;
        return new PixelWindow(x, y, _sampleSize.Width, _sampleSize.Height).Vary(_options.Augmentation, ref random);
    }

    private ImageSize SizeOfSamples()
    {
        if (Crops || Tiles)
            return (IsTraining ? _options.CropSize : _options.TileSize) is int side ? new ImageSize(side, side) : default;
        if (_pairs.Length == 0)
            return (_options.Scale, _options.Scale);
        PairedImage first = _pairs[0];
        return _pairs.FirstOrDefault(pair => (pair.Width, pair.Height) != (first.Width, first.Height)) is { } other
            ? throw new DatasetException(
                $"The image '{other.Gt}' is {other.Width}x{other.Height} pixels and '{first.Gt}' {first.Width}x{first.Height}, but whole images of a split have to be of one size; give {(IsTraining ? "data.crop_size" : "data.tile_size")}.", other.Gt)
            : (first.Width, first.Height);
    }

    // Tiles lie side by side; the last one of a row or column ends with the image.
    private IEnumerable<Cut> CutsOf(int index)
    {
        if (!Tiles)
            return [new Cut(index, 0, 0)];
        PairedImage pair = _pairs[index];
        return Starts(pair.Height).SelectMany(y => Starts(pair.Width), (y, x) => new Cut(index, x, y));

        IEnumerable<int> Starts(int length)
        {
            int side = _options.TileSize!.Value;
            return Enumerable.Range(0, (length + side - 1) / side).Select(tile => Math.Min(tile * side, length - side));
        }
    }

    /// <summary>Where a sample is cut out of its image; a training crop's corner is drawn anew each time.</summary>
    private readonly record struct Cut(int Pair, int X, int Y);
}

/// <summary>A part of a folder of images in high and low quality.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Pairs">The images as they were found, so that every process numbers the same samples whatever happens to the folder.</param>
internal sealed record PairedImagesDescription(PairedImagesOptions Options, IReadOnlyList<PairedImage> Pairs) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new PairedImagesDataset(Options, Pairs);
}
