using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets.ImagePairs;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Native;
using RobustTrain.Training.Prediction;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>Uses a checkpoint's network on pairs of images without labels, and writes what it finds as PNG files.</summary>
public sealed class Predictor
{
    // A network outside our catalogue pools at most so often.
    private const int TileMultiple = 16;
    private const byte Changed = 255;

    private readonly TrainingConfig _config;
    private readonly ITrainingTask _task;
    private readonly Device _device;
    private readonly CheckpointArchive _archive;
    private readonly PredictionOptions _options;
    private readonly Lock _gate = new();
    private readonly List<ResultFile> _unfinished = [];

    private Predictor(TrainingConfig config, ITrainingTask task, Device device, CheckpointArchive archive, PredictionOptions options, IReadOnlyList<PlannedPrediction> plan)
    {
        _config = config;
        _task = task;
        _device = device;
        _archive = archive;
        _options = options;
        Plan = plan;
    }

    /// <summary>The checkpoint whose network is used.</summary>
    public Checkpoint Checkpoint => _archive.Checkpoint;

    /// <summary>What is to be predicted, and where to.</summary>
    public IReadOnlyList<PlannedPrediction> Plan { get; }

    /// <summary>Opens the checkpoint, finds the images and checks everything that their headers can tell. Creates nothing.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="path">A run's folder, or a checkpoint's.</param>
    /// <param name="choice">Which checkpoint of a run.</param>
    /// <param name="options">Which images, and how.</param>
    /// <param name="warn">Is told, in one sentence each, of what the operator should know.</param>
    /// <exception cref="RunException">The checkpoint is missing, damaged or of another model; an option is out of range; or a file would be overwritten.</exception>
    /// <exception cref="DatasetException">A partner is missing, an image can't be read, or the sizes of a pair differ.</exception>
    public static Predictor Open(TrainingConfig config, string path, CheckpointChoice choice, PredictionOptions options, Action<RunWarning> warn)
    {
        CheckTiles(options);
        CheckpointArchive archive = Evaluator.OpenArchive(path, choice, warn);
        CheckpointRecorder.CheckModel(archive, ModelIdentity.Of(config.Model));
        Device device = DeviceSelection.Find(config.Device);
        ImagePairList pairs = ImagePairList.Open(options.Sources, config.Data.ConvertImages);
        CheckChannels(pairs, config.Model);
        foreach (DatasetWarning warning in pairs.Warnings)
            warn(new RunWarning(warning.Message) { Kind = warning.Kind, Count = warning.Count, Files = warning.Files });
        WarnOfScale(config, warn);
        return new Predictor(config, TaskCatalog.Of(config), device, archive, options, PlanOf(pairs, options));
    }

    /// <summary>Predicts pair after pair. A pair whose pixels turn out to be damaged is told of, and the others are predicted all the same.</summary>
    /// <param name="journal">Is told of each pair, and how far the work is.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>; what is whole by then stays.</param>
    /// <param name="time">The clock.</param>
    /// <returns>How many pairs were predicted, and how many could not be read.</returns>
    /// <exception cref="RunException">The disk refuses, memory is short, or the network gives no numbers.</exception>
    public (int Made, int Failed) Run(IRunJournal journal, CancellationToken stopping, TimeProvider time)
    {
        set_num_threads(_config.Threads ?? Environment.ProcessorCount);
        using nn.Module model = _task.CreateModel(seed: 0).to(_device);
        EvaluatedWeights.Load(model, _archive);
        model.eval();
        ImagePredictor predictor = new(_task, model, _device, new Normalization(_config.Data.Mean, _config.Data.Std), _options.TileSize, _options.Overlap);
        using ImageReader reader = new();
        ImageBuffer[] images = [new(), new()];
        int total = Plan.Sum(pair => predictor.CountTiles(pair.Images.Width, pair.Images.Height));
        int done = 0;
        int failed = 0;
        Throttle progress = new(TimeSpan.FromSeconds(_config.Trainer.LogIntervalSeconds), time);
        foreach (PlannedPrediction pair in Plan)
        {
            int before = done;
            try
            {
                journal.Write(Predict(predictor, pair, reader, images, Advance, stopping, time));
            }
            catch (SampleException damaged)
            {
                failed++;
                done = before + predictor.CountTiles(pair.Images.Width, pair.Images.Height);
                journal.Write(new PredictionFailed(pair.Images.Image1, pair.Images.Image2, damaged.Message, damaged.Path));
            }

            void Advance()
            {
                done++;
                if (progress.IsDue())
                    journal.Write(new PredictionProgress(pair.Images.Name, done, total));
            }
        }

        return (Plan.Count - failed, failed);
    }

    /// <summary>Deletes what is half written, for a process that ends without waiting for the network.</summary>
    public void DiscardUnfinished()
    {
        lock (_gate)
            _unfinished.ForEach(file => file.Abandon());
    }

    private static void CheckTiles(PredictionOptions options)
    {
        if (options.TileSize is < 64 or > 8192 || options.TileSize % TileMultiple != 0)
            throw Invalid("--tile-size", options.TileSize, $"a multiple of {TileMultiple} from 64 to 8192");
        if (options.Overlap < 0 || options.Overlap > options.TileSize / 2 || options.Overlap % TileMultiple != 0)
            throw Invalid("--overlap", options.Overlap, $"a multiple of {TileMultiple} from 0 to half of the tile's {options.TileSize}");

        static RunException Invalid(string option, int found, string expected) =>
            new(ExitCode.Configuration, "PredictionOptionOutOfRange", $"{option} is {found}, but must be {expected}.", option);
    }

    private static void CheckChannels(ImagePairList pairs, ModelConfig model)
    {
        if (model.InChannels == 1 && pairs.Pairs.FirstOrDefault(pair => pair.Channels != 1) is { } coloured)
            throw new DatasetException($"The pair '{coloured.Image1}' and '{coloured.Image2}' has colours, but the network takes images of 1 channel; expected grey.", coloured.Image1);
    }

    private static void WarnOfScale(TrainingConfig config, Action<RunWarning> warn)
    {
        if (config.Data.Augmentation.Resize is [int height, int width])
            warn(new RunWarning($"The network was trained on images that were resized to {width}x{height} pixels (data.augmentation.resize); these are taken at their own size."));
        if (config.Data.SampleSize is int side && side != config.Data.CropSize)
            warn(new RunWarning($"The network was trained on crops that were resized from {config.Data.CropSize} pixels to {side} (data.sample_size); these images are taken at their own size."));
    }

    private static List<PlannedPrediction> PlanOf(ImagePairList pairs, PredictionOptions options)
    {
        string folder = Path.GetFullPath(options.OutputPath);
        if (File.Exists(folder))
            throw new RunException(ExitCode.Configuration, "OutputPathIsFile", $"The output path '{folder}' is a file; a folder is expected.", folder);
        List<PlannedPrediction> plan = [];
        Dictionary<string, string> origins = new(OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        foreach (ImagePair pair in pairs.Pairs)
        {
            string stem = Path.Combine(folder, pair.Name.Replace('/', Path.DirectorySeparatorChar));
            PlannedPrediction planned = new(pair, $"{stem}.png", options.WithScores ? $"{stem}.score.png" : null);
            foreach (string file in planned.Files)
            {
                if (origins.TryGetValue(file, out string? other))
                    throw new RunException(ExitCode.Configuration, "OutputNamedTwice", $"The results of '{other}' and '{pair.Image1}' would both be '{file}'; predict them into different folders.", file);
                origins.Add(file, pair.Image1);
                if (Directory.Exists(file))
                    throw new RunException(ExitCode.Configuration, "OutputExists", $"'{file}' is a folder, where the result of '{pair.Image1}' is to be written.", file);
                if (file == pair.Image1 || file == pair.Image2)
                    throw new RunException(ExitCode.Configuration, "OutputIsInput", $"The result of '{pair.Image1}' would be '{file}', which is an image of the pair; name another output folder.", file);
                if (!options.Overwrite && File.Exists(file))
                    throw new RunException(ExitCode.Configuration, "OutputExists", $"The file '{file}' is there already; --force overwrites it.", file);
            }

            plan.Add(planned);
        }

        return plan;
    }

    private PredictionMade Predict(
        ImagePredictor predictor, PlannedPrediction pair, ImageReader reader, ImageBuffer[] images, Action onTile, CancellationToken stopping, TimeProvider time)
    {
        long began = time.GetTimestamp();
        reader.Decode(pair.Images.Image1, images[0]);
        reader.Decode(pair.Images.Image2, images[1]);
        CheckUnchanged(pair.Images, images);
        PixelTotals totals;
        try
        {
            totals = Write(predictor, pair, images, onTile, stopping);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw ResultFile.Refused(pair.MapPath, refused);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            throw TorchFailure.OutOfMemory($"tiles of {_options.TileSize} pixels of '{pair.Images.Image1}', {pair.Images.Width}x{pair.Images.Height} pixels; make --tile-size smaller", failed);
        }

        return new PredictionMade(
            Checkpoint.Path, pair.Images.Image1, pair.Images.Image2, pair.MapPath, pair.ScorePath, pair.Images.Width, pair.Images.Height,
            (double)totals.Changed / totals.Pixels, totals.MeanConfidence, time.GetElapsedTime(began).TotalSeconds);
    }

    private static void CheckUnchanged(ImagePair pair, ImageBuffer[] images)
    {
        foreach ((ImageBuffer image, string file) in images.Zip([pair.Image1, pair.Image2]))
        {
            if ((image.Width, image.Height) != (pair.Width, pair.Height))
                throw new SampleException($"The image '{file}' is {image.Width}x{image.Height} pixels, but was {pair.Width}x{pair.Height} a moment ago.", file);
        }
    }

    private PixelTotals Write(ImagePredictor predictor, PlannedPrediction pair, ImageBuffer[] images, Action onTile, CancellationToken stopping)
    {
        bool isBinary = _config.Model.Classes == 2;
        using ResultFile map = Open(pair.MapPath);
        using ResultFile? scores = pair.ScorePath is null ? null : Open(pair.ScorePath);
        try
        {
            (int width, int height) = (pair.Images.Width, pair.Images.Height);
            using PngWriter mapRows = new(map.Stream, width, height, isBinary ? PngColor.Grey : PngColor.Palette, isBinary ? [] : ClassColors.Palette(_config.Model.Classes));
            using PngWriter? scoreRows = scores is null ? null : new(scores.Stream, width, height, PngColor.Grey);
            byte[] pixels = new byte[width];
            PixelTotals totals = predictor.Run(
                images,
                (classes, probabilities) =>
                {
                    for (int x = 0; x < width; x++)
                        pixels[x] = isBinary && classes[x] != 0 ? Changed : classes[x];
                    mapRows.WriteRow(pixels);
                    for (int x = 0; x < width; x++)
                        pixels[x] = (byte)Math.Clamp(MathF.Round(255 * probabilities[x]), 0, 255);
                    scoreRows?.WriteRow(pixels);
                },
                onTile,
                stopping);
            if (double.IsNaN(totals.MeanConfidence))
                throw new RunException(ExitCode.Numeric, "PredictionNotFinite", $"The network of {Checkpoint.Path} gives NaN for the pair '{pair.Images.Image1}' and '{pair.Images.Image2}'.", pair.Images.Image1);
            map.Complete();
            scores?.Complete();
            return totals;
        }
        finally
        {
            lock (_gate)
                _unfinished.Clear();
        }
    }

    private ResultFile Open(string path)
    {
        lock (_gate)
        {
            ResultFile file = new(path);
            _unfinished.Add(file);
            return file;
        }
    }
}

/// <summary>Which images are predicted, and how.</summary>
public sealed record PredictionOptions
{
    /// <summary>The side of a tile where nothing else is said.</summary>
    public const int DefaultTileSize = 512;

    /// <summary>The overlap of tiles where nothing else is said.</summary>
    public const int DefaultOverlap = 64;

    /// <summary>Where the pairs are.</summary>
    public required IReadOnlyList<ImagePairSource> Sources { get; init; }

    /// <summary>The folder of the results.</summary>
    public required string OutputPath { get; init; }

    /// <summary>Whether the probability of a change is written too, as greys.</summary>
    public bool WithScores { get; init; }

    /// <summary>The side of a tile in pixels.</summary>
    public int TileSize { get; init; } = DefaultTileSize;

    /// <summary>The pixels that neighbouring tiles share.</summary>
    public int Overlap { get; init; } = DefaultOverlap;

    /// <summary>Whether files that are there are overwritten.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>A pair, and the files of its result.</summary>
/// <param name="Images">The pair.</param>
/// <param name="MapPath">The file of the classes.</param>
/// <param name="ScorePath">The file of the probabilities; null where none is asked for.</param>
public sealed record PlannedPrediction(ImagePair Images, string MapPath, string? ScorePath)
{
    /// <summary>The files that will be written.</summary>
    public IEnumerable<string> Files => ScorePath is null ? [MapPath] : [MapPath, ScorePath];
}
