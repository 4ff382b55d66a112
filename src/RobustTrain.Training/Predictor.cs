using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets.InputImages;
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

/// <summary>Uses a checkpoint's network on images without labels: single ones or pairs, as its task takes them.</summary>
public sealed class Predictor
{
    private const int TileMultiple = 16;
    private const int SmallestTile = 64;

    private readonly TrainingConfig _config;
    private readonly ITrainingTask _task;
    private readonly Device _device;
    private readonly CheckpointArchive _archive;
    private readonly (int Side, int Overlap) _tiles;
    private readonly UnfinishedFiles _unfinished;
    private readonly IPredictionOutput _output;

    private Predictor(
        TrainingConfig config, ITrainingTask task, Device device, CheckpointArchive archive, PredictionOptions options, UnfinishedFiles unfinished, IPredictionOutput output, IReadOnlyList<PlannedPrediction> plan)
    {
        _config = config;
        _task = task;
        _device = device;
        _archive = archive;
        _tiles = TilesOf(options, task.Prediction);
        _unfinished = unfinished;
        _output = output;
        Plan = plan;
    }

    /// <summary>The checkpoint whose network is used.</summary>
    public Checkpoint Checkpoint => _archive.Checkpoint;

    /// <summary>What is to be predicted, and where to.</summary>
    public IReadOnlyList<PlannedPrediction> Plan { get; }

    /// <summary>How many images the network takes at once: 1, or 2 of one place.</summary>
    public int ImagesAtOnce => InputsOf(_task);

    /// <summary>Whether each input has files of its own, so that another call can go on where one was stopped.</summary>
    public bool HasFileForEach => _task.Prediction is not PredictionForm.Label;

    /// <summary>Opens the checkpoint, finds the images and checks everything that their headers can tell. Creates nothing.</summary>
    /// <param name="config">The network's configuration.</param>
    /// <param name="path">A run's folder, or a checkpoint's.</param>
    /// <param name="choice">Which checkpoint of a run.</param>
    /// <param name="options">Which images, and how.</param>
    /// <param name="warn">Is told, in one sentence each, of what the operator should know.</param>
    /// <exception cref="RunException">The checkpoint is missing, damaged or of another model; an option is out of range or of no use to this network; or a file would be overwritten.</exception>
    /// <exception cref="DatasetException">A partner is missing, an image can't be read, or the sizes of a pair differ.</exception>
    public static Predictor Open(TrainingConfig config, string path, CheckpointChoice choice, PredictionOptions options, Action<RunWarning> warn) =>
        Open(config, TaskCatalog.Of(config), path, choice, options, warn);

    /// <summary>As above, for a task that is in no catalogue.</summary>
    internal static Predictor Open(TrainingConfig config, ITrainingTask task, string path, CheckpointChoice choice, PredictionOptions options, Action<RunWarning> warn)
    {
        if (options is { SkipExisting: true, Overwrite: true })
            throw new RunException(ExitCode.Configuration, "PredictionUsage", "--skip-existing and --force are both given, but one leaves results that are there and the other overwrites them; leave one out.", "--skip-existing");
        TilesOf(options, task.Prediction);
        CheckpointArchive archive = Evaluator.OpenArchive(path, choice, warn);
        CheckpointRecorder.CheckModel(archive, TaskCatalog.IdentityOf(config));
        Device device = DeviceSelection.Find(config.Device);
        CheckKind(options, config, task, archive.Checkpoint.Path);
        UnfinishedFiles unfinished = new();
        IPredictionOutput output = OutputOf(options, config, task.Prediction, unfinished, archive.Checkpoint.Path);
        InputImageList inputs = InputsOf(task) == 1
            ? InputImageList.OpenSingle(options.Sources, config.Data.ConvertImages)
            : InputImageList.OpenPairs(options.Sources, config.Data.ConvertImages);
        CheckChannels(inputs, config.Model);
        foreach (DatasetWarning warning in inputs.Warnings)
            warn(new RunWarning(warning.Message) { Kind = warning.Kind, Count = warning.Count, Files = warning.Files });
        WarnOfScale(config, warn);
        return new Predictor(config, task, device, archive, options, unfinished, output, PlanOf(inputs, output, options));
    }

    /// <summary>Predicts input after input. One whose pixels turn out to be damaged is told of, and the others are predicted all the same.</summary>
    /// <param name="journal">Is told of each input, and how far the work is.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>; what is whole by then stays.</param>
    /// <param name="time">The clock.</param>
    /// <returns>How many inputs were predicted, and how many could not be read.</returns>
    /// <exception cref="RunException">The disk refuses, memory is short, or the network gives no numbers.</exception>
    public (int Made, int Failed) Run(IRunJournal journal, CancellationToken stopping, TimeProvider time)
    {
        set_num_threads(_config.Threads ?? Environment.ProcessorCount);
        using IPredictionOutput output = _output;
        using nn.Module model = _task.CreateModel(seed: 0).to(_device);
        EvaluatedWeights.Load(model, _archive);
        model.eval();
        ImagePredictor predictor = new(_task, model, _device, new Normalization(_config.Data.Mean, _config.Data.Std), _tiles.Side, _tiles.Overlap);
        using ImageReader reader = new();
        ImageBuffer[] images = [.. Enumerable.Range(0, ImagesAtOnce).Select(_ => new ImageBuffer())];
        int total = Plan.Sum(planned => predictor.CountTiles(planned.Images.Width, planned.Images.Height));
        int done = 0;
        int failed = 0;
        Throttle progress = new(TimeSpan.FromSeconds(_config.Trainer.LogIntervalSeconds), time);
        foreach (PlannedPrediction planned in Plan)
        {
            stopping.ThrowIfCancellationRequested();
            int before = done;
            long began = time.GetTimestamp();
            try
            {
                Decode(planned.Images, reader, images);
                journal.Write(Predict(predictor, planned, images, new PredictionWork(Checkpoint.Path, Advance, () => time.GetElapsedTime(began), stopping)));
            }
            catch (SampleException damaged)
            {
                failed++;
                done = before + predictor.CountTiles(planned.Images.Width, planned.Images.Height);
                journal.Write(new PredictionFailed(planned.Images.Files[0], planned.Images.Files.ElementAtOrDefault(1), damaged.Message, damaged.Path));
            }

            void Advance()
            {
                done++;
                if (progress.IsDue())
                    journal.Write(new PredictionProgress(planned.Images.Name, done, total));
            }
        }

        output.Complete();
        return (Plan.Count - failed, failed);
    }

    /// <summary>Deletes what is half written, for a process that ends without waiting for the network.</summary>
    public void DiscardUnfinished() => _unfinished.Discard();

    private static int InputsOf(ITrainingTask task) => task.Fields.Count(field => field.Input is not null);

    // A network that enlarges images has smaller tiles, so that what it gives for one takes as much memory as a map's does.
    private static (int Side, int Overlap) TilesOf(PredictionOptions options, PredictionForm form)
    {
        int side = options.TileSize ?? (form is PredictionForm.Image { Scale: int scale } ? Math.Max(SmallestTile, RoundUp(PredictionOptions.DefaultTileSize / scale)) : PredictionOptions.DefaultTileSize);
        if (side is < SmallestTile or > 8192 || side % TileMultiple != 0)
            throw Invalid("--tile-size", side, $"a multiple of {TileMultiple} from {SmallestTile} to 8192");
        int overlap = options.Overlap ?? Math.Min(PredictionOptions.DefaultOverlap, RoundUp(side / 4));
        if (overlap < 0 || overlap > side / 2 || overlap % TileMultiple != 0)
            throw Invalid("--overlap", overlap, $"a multiple of {TileMultiple} from 0 to half of the tile's {side}");
        return (side, overlap);

        static int RoundUp(int pixels) => (pixels + TileMultiple - 1) / TileMultiple * TileMultiple;

        static RunException Invalid(string option, int found, string expected) =>
            new(ExitCode.Configuration, "PredictionOptionOutOfRange", $"{option} is {found}, but must be {expected}.", option);
    }

    // What is given has to be of the kind that the network takes, and to be of use to it.
    private static void CheckKind(PredictionOptions options, TrainingConfig config, ITrainingTask task, string checkpoint)
    {
        string network = $"The network of {checkpoint} (task {config.Task})";
        if (InputsOf(task) == 1 && options.Sources.FirstOrDefault(source => source.Second is not null) is { } pair)
            throw Wrong("PredictionTakesImages", $"{network} takes one image at a time, but '{pair.First}' and '{pair.Second}' are given as a pair; expected images, or folders of them, by --images.", pair.First);
        if (InputsOf(task) == 2 && options.Sources.FirstOrDefault(source => source.Second is null && File.Exists(source.First)) is { } image)
            throw Wrong("PredictionTakesPairs", $"{network} takes pairs of images of one place, but '{image.First}' is a single image; expected --image-a and --image-b, or folders with the folders A and B by --images.", image.First);
        (string Option, bool IsGiven, bool IsOfUse)[] given =
        [
            ("--probability", options.WithScores, task.Prediction is PredictionForm.ClassMap),
            ("--top", options.Top is not null, task.Prediction is PredictionForm.Label),
            ("--skip-existing", options.SkipExisting, task.Prediction is not PredictionForm.Label),
            ("--tile-size", options.TileSize is not null, task.Prediction is not PredictionForm.Label),
            ("--overlap", options.Overlap is not null, task.Prediction is not PredictionForm.Label),
        ];
        if (given.FirstOrDefault(option => option.IsGiven && !option.IsOfUse).Option is { } useless)
            throw Wrong("PredictionOptionUseless", $"{useless} is given, but {char.ToLowerInvariant(network[0])}{network[1..]} gives {NameOf(task.Prediction)}, for which it means nothing; leave it out.", useless);

        static RunException Wrong(string errorId, string message, string target) => new(ExitCode.Configuration, errorId, message, target);
    }

    private static string NameOf(PredictionForm form) => form switch
    {
        PredictionForm.ClassMap => "a map of classes",
        PredictionForm.Image => "an image",
        _ => "a label",
    };

    private static IPredictionOutput OutputOf(PredictionOptions options, TrainingConfig config, PredictionForm form, UnfinishedFiles unfinished, string checkpoint)
    {
        string? path = options.OutputPath is null ? null : WritablePath.Full(options.OutputPath);
        if (form is PredictionForm.Label(var names))
        {
            if (path is not null && Directory.Exists(path))
                throw new RunException(ExitCode.Configuration, "OutputExists", $"The output path '{path}' is a folder; the network of {checkpoint} gives a label for each image, and a CSV file for all of them is expected.", path);
            if (path is not null && !options.Overwrite && File.Exists(path))
                throw Exists(path);
            if (options.Top is < 1)
                throw new RunException(ExitCode.Configuration, "PredictionOptionOutOfRange", string.Create(CultureInfo.InvariantCulture, $"--top is {options.Top}, but must be 1 or more."), "--top");
            return new LabelOutput(unfinished, names, options.Top ?? PredictionOptions.DefaultTop, path);
        }

        if (path is null)
            throw new RunException(ExitCode.Configuration, "OutputPathMissing", $"The network of {checkpoint} (task {config.Task}) gives {NameOf(form)} for each input, but --output, the folder of the results, is not given.", "--output");
        Func<InputImages, string> stemOf = StemsOf(options, path);
        return form switch
        {
            PredictionForm.Image(var scale) => new PictureOutput(unfinished, stemOf, scale),
            PredictionForm.ClassMap(var classes) => new MapOutput(unfinished, stemOf, classes, options.WithScores),
            _ => throw new ArgumentOutOfRangeException(nameof(form), form, null),
        };
    }

    // Where the results go, without their extension: below a folder, or where one image goes in, into the file that is named.
    private static Func<InputImages, string> StemsOf(PredictionOptions options, string path)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        bool isOne = options.Sources is [var source] && File.Exists(source.First) && (source.Second is null || File.Exists(source.Second));
        if (Directory.Exists(path) || extension is not (".png" or ".jpg" or ".jpeg" or ".bmp"))
        {
            return File.Exists(path)
                ? throw new RunException(ExitCode.Configuration, "OutputPathIsFile", $"The output path '{path}' is a file; a folder is expected{(isOne ? ", or a name that ends in .png" : "")}.", path)
                : input => Path.Combine(path, input.Name.Replace('/', Path.DirectorySeparatorChar));
        }

        if (!isOne)
            throw new RunException(ExitCode.Configuration, "OutputPathIsFile", $"The output path '{path}' names a file, but {(options.Sources.Count == 1 ? "a folder of images goes" : $"{options.Sources.Count} inputs go")} in; a folder is expected.", path);
        return extension == ".png"
            ? _ => path[..^extension.Length]
            : throw new RunException(ExitCode.Configuration, "OutputFormatUnknown", $"The output path '{path}' ends in {extension}, but results are written as PNG; name it {Path.GetFileNameWithoutExtension(path)}.png.", path);
    }

    private static void CheckChannels(InputImageList inputs, ModelConfig model)
    {
        if (model.InChannels != 1 || inputs.Inputs.FirstOrDefault(input => input.Channels != 1) is not { } coloured)
            return;
        string subject = coloured.Files.Count == 1 ? $"image '{coloured.Files[0]}'" : $"pair '{coloured.Files[0]}' and '{coloured.Files[1]}'";
        throw new DatasetException($"The {subject} has colours, but the network takes images of 1 channel; expected grey.", coloured.Files[0]);
    }

    private static void WarnOfScale(TrainingConfig config, Action<RunWarning> warn)
    {
        if (config.Data.Augmentation.Resize is [int height, int width])
            warn(new RunWarning($"The network was trained on images that were resized to {width}x{height} pixels (data.augmentation.resize); these are taken at their own size."));
        if (config.Data.SampleSize is int side && side != config.Data.CropSize)
            warn(new RunWarning($"The network was trained on crops that were resized from {config.Data.CropSize} pixels to {side} (data.sample_size); these images are taken at their own size."));
    }

    private static List<PlannedPrediction> PlanOf(InputImageList inputs, IPredictionOutput output, PredictionOptions options)
    {
        List<PlannedPrediction> plan = [];
        Dictionary<string, string> origins = new(OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
        foreach (InputImages input in inputs.Inputs)
        {
            PlannedPrediction planned = new(input, output.FilesOf(input));
            foreach (string file in planned.Files)
            {
                string origin = input.Files[0];
                if (origins.TryGetValue(file, out string? other))
                    throw new RunException(ExitCode.Configuration, "OutputNamedTwice", $"The results of '{other}' and '{origin}' would both be '{file}'; predict them into different folders.", file);
                origins.Add(file, origin);
                if (Directory.Exists(file))
                    throw new RunException(ExitCode.Configuration, "OutputExists", $"'{file}' is a folder, where the result of '{origin}' is to be written.", file);
                if (input.Files.Contains(file))
                    throw new RunException(ExitCode.Configuration, "OutputIsInput", $"The result of '{origin}' would be '{file}', which is an image {(input.Files.Count == 1 ? "that is to be read" : "of the pair")}; name another output folder.", file);
                if (options is { Overwrite: false, SkipExisting: false } && File.Exists(file))
                    throw Exists(file);
            }

            // Of a result in two files one may be there alone; then both are made.
            if (!options.SkipExisting || !planned.Files.All(File.Exists))
                plan.Add(planned);
        }

        return plan;
    }

    private static RunException Exists(string file) =>
        new(ExitCode.Configuration, "OutputExists", $"The file '{file}' is there already; --force overwrites it.", file);

    private static void Decode(InputImages input, ImageReader reader, ImageBuffer[] images)
    {
        foreach ((ImageBuffer image, string file) in images.Zip(input.Files))
        {
            reader.Decode(file, image);
            if ((image.Width, image.Height) != (input.Width, input.Height))
                throw new SampleException($"The image '{file}' is {image.Width}x{image.Height} pixels, but was {input.Width}x{input.Height} a moment ago.", file);
        }
    }

    private RunEvent Predict(ImagePredictor predictor, PlannedPrediction planned, ImageBuffer[] images, PredictionWork work)
    {
        try
        {
            return _output.Predict(predictor, planned.Images, planned.Files, images, work);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw ResultFile.Refused(planned.Files.FirstOrDefault() ?? planned.Images.Files[0], refused);
        }
        catch (Exception failed) when (TorchFailure.IsOutOfMemory(failed))
        {
            string size = string.Create(CultureInfo.InvariantCulture, $"'{planned.Images.Files[0]}', {planned.Images.Width}x{planned.Images.Height} pixels");
            throw TorchFailure.OutOfMemory(_task.Prediction is PredictionForm.Label ? $"{size}; make the image smaller" : string.Create(CultureInfo.InvariantCulture, $"tiles of {_tiles.Side} pixels of {size}; make --tile-size smaller"), failed);
        }
    }
}

/// <summary>Which images are predicted, and how.</summary>
public sealed record PredictionOptions
{
    /// <summary>The side of a tile where nothing else is said; of a network that enlarges images, that of what it gives for a tile.</summary>
    public const int DefaultTileSize = 512;

    /// <summary>The overlap of tiles where nothing else is said; a quarter of a tile where that is less.</summary>
    public const int DefaultOverlap = 64;

    /// <summary>How many classes of an image are told where nothing else is said.</summary>
    public const int DefaultTop = 5;

    /// <summary>Where the images are.</summary>
    public required IReadOnlyList<InputSource> Sources { get; init; }

    /// <summary>The folder of the results, or of a single input the PNG; of labels the CSV file, or null for none.</summary>
    public string? OutputPath { get; init; }

    /// <summary>Whether a map's probabilities are written too, as greys.</summary>
    public bool WithScores { get; init; }

    /// <summary>How many of an image's most probable classes are told; null for <see cref="DefaultTop"/>.</summary>
    public int? Top { get; init; }

    /// <summary>The side of a tile in pixels of the input; null for the default.</summary>
    public int? TileSize { get; init; }

    /// <summary>The pixels that neighbouring tiles share; null for the default.</summary>
    public int? Overlap { get; init; }

    /// <summary>Whether files that are there are overwritten.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether inputs whose results are there are left out, to go on where a prediction was stopped.</summary>
    public bool SkipExisting { get; init; }
}

/// <summary>What the network takes at once, and the files of its result.</summary>
/// <param name="Images">The image, or the two of one place.</param>
/// <param name="Files">The files that will be written; none where labels are told.</param>
public sealed record PlannedPrediction(InputImages Images, IReadOnlyList<string> Files);
