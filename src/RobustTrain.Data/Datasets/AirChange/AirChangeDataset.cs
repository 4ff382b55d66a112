using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Data.Datasets.AirChange;

/// <summary>
/// The SZTAKI AirChange benchmark. Training: for each scene <see cref="AirChangeLayout.CropsPerScene"/> square crops from the L-shaped
/// training area, in other places each epoch. Validation: crops that cover the training area of the scenes kept for it. Test: the
/// 784x448 crop of each scene.
/// </summary>
public sealed class AirChangeDataset : IChangeDataset, IPortableDataset, IFileBackedDataset, IDisposable
{
    private const int Image1 = 0;
    private const int Image2 = 1;
    private const int Label = 2;

    private readonly AirChangeOptions _options;
    private readonly CropScale _scale;
    private readonly IReadOnlyList<ChangePair> _allScenes;
    private readonly ChangePair[] _scenes;
    private readonly AirChangeWindows _windows;
    private readonly ChangedPixels?[] _changed;
    private readonly Func<int, ChangedPixels> _changedIn;
    private readonly SampleWriter _writer;
    private readonly LabelClasses _classes = new(2, ignoreIndex: null);
    private readonly SceneCache _cache;
    private readonly bool[]? _areWindowed;
    private readonly Func<int, Scene> _decode;
    private readonly ScratchPool _scratch = new();

    /// <summary>Opens the benchmark, and checks everything that the files' headers tell.</summary>
    /// <param name="options">Where it is, and which part of it.</param>
    /// <param name="cache">Keeps decoded scenes; the splits of one folder may share one.</param>
    /// <exception cref="DatasetException">The folder is not the benchmark; the message says what is missing or wrong.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The crops do not fit into the training area.</exception>
    public AirChangeDataset(AirChangeOptions options, SceneCache? cache = null)
        : this(options, AirChangeLayout.Find(options.Path), cache)
    {
    }

    private AirChangeDataset(AirChangeOptions options, (IReadOnlyList<ChangePair> Scenes, IReadOnlyList<DatasetWarning> Warnings) found, SceneCache? cache)
        : this(options, found.Scenes, cache)
    {
        using HeaderCheck check = new(options.ConvertsImages, options.LabelIndices);
        AirChangeLayout.CheckHeaders(_scenes, check);
        Warnings = [.. found.Warnings, .. check.Warnings];
    }

    /// <summary>Opens scenes that somebody has found and checked already.</summary>
    /// <param name="options">Where it is, and which part of it.</param>
    /// <param name="all">The scenes.</param>
    /// <param name="cache">Keeps decoded scenes.</param>
    /// <param name="keepsScenes">Whether decoded scenes are kept. Without, each sample reads its own window of the files: a process for each
    /// worker would otherwise keep all scenes once more.</param>
    internal AirChangeDataset(AirChangeOptions options, IReadOnlyList<ChangePair> all, SceneCache? cache = null, bool keepsScenes = true)
    {
        int widest = Math.Min(AirChangeLayout.SceneWidth - AirChangeLayout.TestWidth, AirChangeLayout.SceneHeight - AirChangeLayout.TestHeight) - 1;
        if (options.CropSize < 1 || options.CropSize > widest)
            throw new ArgumentOutOfRangeException(nameof(options), options.CropSize, $"The crop size must be 1 to {widest} pixels, the width of the training area.");

        _options = options;
        _scale = new CropScale(options.CropSize, options.SampleSize);
        _cache = cache ?? new SceneCache();
        _allScenes = all;
        HashSet<string> validation = [.. options.ValidationScenes.Select(name => CheckedName(name, options.Path))];
        _scenes = options.Split switch
        {
            DatasetSplit.Train => [.. all.Where(scene => !validation.Contains(scene.Name))],
            DatasetSplit.Val => [.. all.Where(scene => validation.Contains(scene.Name))],
            _ => [.. all],
        };
        if (options.Split == DatasetSplit.Train && _scenes.Length == 0)
            throw new DatasetException("All twelve scenes validate, so that none is left to train on.", options.Path);

        if (!keepsScenes && !OperatingSystem.IsWindows())
            _areWindowed = new bool[_scenes.Length];
        bool train = options.Split == DatasetSplit.Train;
        if (train && options.Augmentation.Resize is not null)
            throw new DatasetException("The scenes of air-change can't be resized: its crops are counted in their pixels.", options.Path);
        Normalization normalization = new(options.Mean, options.Std);
        if (normalization.Channels != 3)
            throw new DatasetException($"The mean has {normalization.Channels} value; expected 3, for the RGB images of air-change.", options.Path);
        _writer = new SampleWriter(normalization, train ? options.Augmentation : AugmentationOptions.None);
        _windows = new AirChangeWindows(options);
        _changed = new ChangedPixels?[_scenes.Length];
        _changedIn = ChangedIn;
        _decode = Decode;
        (int width, int height) = options.Split == DatasetSplit.Test
            ? (_scale.Of(AirChangeLayout.TestWidth), _scale.Of(AirChangeLayout.TestHeight))
            : (_scale.Of(options.CropSize), _scale.Of(options.CropSize));
        Fields =
        [
            new FieldSpec("image1", ElementType.Float32, [3, height, width]),
            new FieldSpec("image2", ElementType.Float32, [3, height, width]),
            new FieldSpec("label", ElementType.Int64, [height, width]),
        ];
    }

    /// <inheritdoc/>
    public int Count => _scenes.Length * _windows.PerScene;

    /// <inheritdoc/>
    public IReadOnlyList<FieldSpec> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DatasetWarning> Warnings { get; } = [];

    /// <summary>What the dataset was opened with.</summary>
    public AirChangeOptions Options => _options;

    /// <inheritdoc/>
    public DatasetDescription Description => new AirChangeDescription(_options, _allScenes);

    /// <inheritdoc/>
    public string NameOf(int index) => SceneOf(index) + _windows.NameOf(index);

    /// <summary>The scene that a sample is from, as <c>Szada/1</c>.</summary>
    public string SceneOf(int index) => _scenes[index / _windows.PerScene].Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> FilesOf(int index)
    {
        ChangePair scene = _scenes[index / _windows.PerScene];
        return [scene.Image1, scene.Image2, scene.Label];
    }

    /// <inheritdoc/>
    public void Load(SampleKey key, SampleBuffer target)
    {
        int number = key.Index / _windows.PerScene;
        ChangePair files = _scenes[number];
        PixelWindow window = _windows.Of(key, _changedIn);
        if (_areWindowed is not null && TryLoadWindow(key, number, window, target))
            return;
        Scene scene = _cache.Get(files.Image1, number, _decode);
        using (StageClock.Enter(LoadStage.Augment))
        {
            SampleRandom colors = new(key, SampleStreams.Color);
            if (_options.SampleSize is not null)
            {
                WriteResized(scene, files, window, ref colors, target);
                return;
            }

            _writer.WriteImage(scene.Image1, window, ref colors, target.Field<float>(Image1));
            _writer.WriteImage(scene.Image2, window, ref colors, target.Field<float>(Image2));
            _classes.Write(scene.Label, window, target.Field<long>(Label), files.Label);
        }
    }

    /// <summary>
    /// The pixels of each class: over the whole training area of the split's scenes, which is where the random crops come from;
    /// over the test crops for the test split.
    /// </summary>
    public IReadOnlyList<long> CountClasses()
    {
        long[] counts = new long[2];
        for (int number = 0; number < _scenes.Length; number++)
        {
            ImageBuffer label = _cache.Get(_scenes[number].Image1, number, _decode).Label;
            string path = _scenes[number].Label;
            PixelWindow test = new(0, 0, AirChangeLayout.TestWidth, AirChangeLayout.TestHeight);
            PixelWindow right = new(AirChangeLayout.TestWidth, 0, AirChangeLayout.SceneWidth - AirChangeLayout.TestWidth, AirChangeLayout.SceneHeight);
            PixelWindow below = new(0, AirChangeLayout.TestHeight, AirChangeLayout.TestWidth, AirChangeLayout.SceneHeight - AirChangeLayout.TestHeight);
            foreach (PixelWindow window in _options.Split == DatasetSplit.Test ? (PixelWindow[])[test] : [right, below])
                _classes.Count(label, window, counts, path);
        }

        return counts;
    }

    /// <inheritdoc/>
    public int PartCount => _scenes.Length;

    /// <inheritdoc/>
    public IReadOnlyList<DatasetFault> FaultsOfPart(int part)
    {
        using ScratchPool.Lease lease = _scratch.Rent();
        return LabelledImagesCheck.FaultsOf(_scenes[part], _classes, _options.LabelIndices, lease.Scratch);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    private void WriteResized(Scene scene, ChangePair files, PixelWindow window, ref SampleRandom colors, SampleBuffer target)
    {
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        PixelWindow whole = _scale.Whole(window);
        _writer.WriteImage(Cut(scene.Image1, Resizer.Bilinear), whole, ref colors, target.Field<float>(Image1));
        _writer.WriteImage(Cut(scene.Image2, Resizer.Bilinear), whole, ref colors, target.Field<float>(Image2));
        _classes.Write(Cut(scene.Label, Resizer.Nearest), whole, target.Field<long>(Label), files.Label);

        ImageBuffer Cut(ImageBuffer source, Action<ImageBuffer, ImageBuffer, int, int> resize)
        {
            ImageBuffer crop = scratch.Image;
            crop.SetSize(window.Width, window.Height, source.Channels);
            for (int y = 0; y < window.Height; y++)
                source.Row(window.Y + y).Slice(window.X * source.Channels, crop.Stride).CopyTo(crop.Row(y));
            return _scale.Apply(crop, scratch.Resized, resize);
        }
    }

    private static string CheckedName(string name, string path) =>
        AirChangeLayout.SceneNames.FirstOrDefault(scene => string.Equals(scene, name.Replace('\\', '/'), StringComparison.OrdinalIgnoreCase))
        ?? throw new DatasetException($"There is no scene '{name}' to validate with; the scenes are Szada/1 to 7 and Tiszadob/1 to 5.", path);

    /// <summary>Loads a sample from its window of the files; false where they can't be read like that.</summary>
    private bool TryLoadWindow(SampleKey key, int number, PixelWindow window, SampleBuffer target)
    {
        ChangePair files = _scenes[number];
        using ScratchPool.Lease lease = _scratch.Rent();
        SampleScratch scratch = lease.Scratch;
        if (!_areWindowed![number])
        {
            // What only whole files tell is found out once, as those find it who keep them: the same samples are bad everywhere.
            CheckWhole(files, scratch);
            _areWindowed[number] = true;
        }

        PixelWindow inner = _scale.Whole(window);
        SampleRandom colors = new(key, SampleStreams.Color);
        if (!TryLoadImage(files.Image1, Image1, target) || !TryLoadImage(files.Image2, Image2, target))
            return false;
        if (!TryRead(files.Label, scratch.Label, keepIndices: _options.LabelIndices))
            return false;
        LabelClasses.ToOneChannel(scratch.Label, files.Label);
        using (StageClock.Enter(LoadStage.Augment))
            _classes.Write(_scale.Apply(scratch.Label, scratch.Resized, Resizer.Nearest), inner, target.Field<long>(Label), files.Label);
        return true;

        bool TryLoadImage(string path, int field, SampleBuffer target)
        {
            if (!TryRead(path, scratch.Image, keepIndices: false))
                return false;
            using (StageClock.Enter(LoadStage.Augment))
                _writer.WriteImage(_scale.Apply(scratch.Image, scratch.Resized, Resizer.Bilinear), inner, ref colors, target.Field<float>(field));
            return true;
        }

        bool TryRead(string path, ImageBuffer image, bool keepIndices)
        {
            using (StageClock.Enter(LoadStage.Read))
                return scratch.Windows.TryRead(path, window.X, window.Y, window.Width, window.Height, image, keepIndices);
        }
    }

    /// <summary>The changed pixels of a scene, found once: a few tens of kilobytes, so that process workers may keep them too.</summary>
    private ChangedPixels ChangedIn(int number)
    {
        if (Volatile.Read(ref _changed[number]) is { } known)
            return known;
        ChangePair files = _scenes[number];
        using ScratchPool.Lease lease = _scratch.Rent();
        ImageBuffer label = lease.Scratch.Label;
        if (_areWindowed is null)
        {
            label = _cache.Get(files.Image1, number, _decode).Label;
        }
        else
        {
            LabelClasses.Decode(lease.Scratch.Reader, files.Label, label, _options.LabelIndices);
            CheckSize(label, files.Label);
        }

        ChangedPixels changed = new();
        changed.Find(label, _classes, _windows.Corners, _options.CropSize);
        Volatile.Write(ref _changed[number], changed);
        return changed;
    }

    private Scene Decode(int number)
    {
        ChangePair files = _scenes[number];
        using ScratchPool.Lease lease = _scratch.Rent();
        ImageReader reader = lease.Scratch.Reader;
        Scene scene = new(new ImageBuffer(), new ImageBuffer(), new ImageBuffer());
        reader.Decode(files.Image1, scene.Image1);
        reader.Decode(files.Image2, scene.Image2);
        LabelClasses.Decode(reader, files.Label, scene.Label, _options.LabelIndices);
        CheckSize(scene.Image1, files.Image1);
        CheckSize(scene.Image2, files.Image2);
        CheckSize(scene.Label, files.Label);
        return scene;
    }

    private void CheckWhole(ChangePair files, SampleScratch scratch)
    {
        foreach (string image in (string[])[files.Image1, files.Image2])
        {
            scratch.Reader.Decode(image, scratch.Image);
            CheckSize(scratch.Image, image);
        }

        LabelClasses.Decode(scratch.Reader, files.Label, scratch.Label, _options.LabelIndices);
        CheckSize(scratch.Label, files.Label);
        _classes.CheckMask(scratch.Label, files.Label);
    }

    private static void CheckSize(ImageBuffer image, string path)
    {
        if ((image.Width, image.Height) != (AirChangeLayout.SceneWidth, AirChangeLayout.SceneHeight))
            throw new SampleException($"The image '{path}' is {image.Width}x{image.Height} pixels; expected {AirChangeLayout.SceneWidth}x{AirChangeLayout.SceneHeight}.", path);
    }
}

/// <summary>A part of the AirChange benchmark.</summary>
/// <param name="Options">What it was opened with.</param>
/// <param name="Scenes">The scenes as they were found.</param>
internal sealed record AirChangeDescription(AirChangeOptions Options, IReadOnlyList<ChangePair> Scenes) : DatasetDescription
{
    /// <inheritdoc/>
    public override IDataset Open() => new AirChangeDataset(Options, Scenes, keepsScenes: false);
}
