using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Prediction;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training;

/// <summary>Scores a checkpoint's network on a split of a dataset.</summary>
public sealed class Evaluator
{
    private readonly TrainingConfig _config;
    private readonly ITrainingTask _task;
    private readonly DatasetSplit _split;
    private readonly IDataset _dataset;
    private readonly Device _device;
    private readonly CheckpointArchive _archive;

    private Evaluator(TrainingConfig config, ITrainingTask task, DatasetSplit split, IDataset dataset, Device device, CheckpointArchive archive)
    {
        _config = config;
        _task = task;
        _split = split;
        _dataset = dataset;
        _device = device;
        _archive = archive;
    }

    /// <summary>The checkpoint whose weights are scored.</summary>
    public Checkpoint Checkpoint => _archive.Checkpoint;

    /// <summary>The dataset's split that is scored.</summary>
    public IDataset Dataset => _dataset;

    /// <summary>The names of the scores, those of validation sets included.</summary>
    public IReadOnlyList<string> ScoreNames =>
    [
        .. _task.Scores.Select(score => score.Name),
        .. _split == DatasetSplit.Val ? _task.ValidationSetsOf(_dataset).SelectMany(set => _task.Scores.Select(score => $"{set.Name}/{score.Name}")) : [],
    ];

    /// <summary>Opens the training split of the same data as it is, without augmentation and, where the dataset can, uncut: then the images have to be of one size.</summary>
    /// <exception cref="DatasetException">The dataset can't be opened.</exception>
    public IDataset OpenTrainingSplit() => _task.Open(DatasetSplit.Train, SampleView.Whole);

    /// <summary>Opens the checkpoint and the data, and checks that they fit each other. Creates nothing.</summary>
    /// <param name="config">The network's configuration and the dataset's.</param>
    /// <param name="path">A run's folder, or a checkpoint's.</param>
    /// <param name="choice">Which checkpoint of a run.</param>
    /// <param name="split">The split to score.</param>
    /// <param name="warn">Is told, in one sentence each, of damaged checkpoints that are passed over and of what the dataset warns of.</param>
    /// <exception cref="RunException">The checkpoint is missing, damaged or of another model; or the configuration doesn't fit machine, data or network.</exception>
    /// <exception cref="DatasetException">The dataset can't be opened.</exception>
    public static Evaluator Open(TrainingConfig config, string path, CheckpointChoice choice, DatasetSplit split, Action<RunWarning> warn) =>
        Open(config, path, choice, split, warn, () => TaskCatalog.Of(config).Open(split, SampleView.Plain));

    /// <summary>Scores.</summary>
    /// <param name="journal">Is told how far the evaluation is.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <param name="time">The clock; the system's where it is null.</param>
    /// <exception cref="RunException">A label is no class, or memory is short.</exception>
    /// <exception cref="SampleException">A sample can't be loaded.</exception>
    public EvaluationResult Run(IRunJournal journal, CancellationToken stopping = default, TimeProvider? time = null)
    {
        set_num_threads(_config.Threads ?? Environment.ProcessorCount);
        using nn.Module model = _task.CreateModel(seed: 0).to(_device);
        EvaluatedWeights.Load(model, _archive);
        model.eval();
        using EvaluationLoaders loaders = new(_config.Loader, journal, _config.Loader.QuarantinePath, quarantine: null);
        EvaluationResult result = new EvaluationPass(_config, _task, _device, loaders, journal, time ?? TimeProvider.System)
            .Run(model, Checkpoint.Manifest.Cursor.Epoch, SplitNames.Of(_split), _dataset, stopping);
        return _split == DatasetSplit.Val ? result.Of(_task.ValidationSetsOf(_dataset), _task) : result;
    }

    /// <summary>Draws the samples that the network did worst and best at, each a PNG, and the confusion matrix where the task draws one.</summary>
    /// <param name="result">What <see cref="Run"/> gave.</param>
    /// <param name="folder">Where to; it is made where it is not there.</param>
    /// <param name="most">The most of the worst, and of the best.</param>
    /// <param name="journal">Is told of samples that can't be loaded.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>The files.</returns>
    /// <exception cref="RunException">The disk refuses.</exception>
    public IReadOnlyList<string> DrawExtremes(EvaluationResult result, string folder, int most, IRunJournal journal, CancellationToken stopping)
    {
        List<string> files = [];
        if (_task.DrawSummary(result.Aggregated) is { } summary)
            files.Add(Write(summary, Path.Combine(Path.GetFullPath(folder), "confusion.png")));
        string metric = _config.Trainer.BestMetric[(_config.Trainer.BestMetric.IndexOf('/') + 1)..];
        IReadOnlyList<(SampleResult Sample, string FileStem)> extremes = ExtremeSamples.Of(result.Samples, _task.Scores.First(score => score.Name == metric), most);
        if (extremes.Count == 0)
        {
            journal.Write(new RunWarning($"No sample has the score {metric}, by which the best and the worst would be told, so that there are no pictures of samples."));
            return files;
        }

        Dictionary<string, int> places = new(StringComparer.Ordinal);
        for (int index = 0; index < _dataset.Count; index++)
            places.TryAdd(_dataset.NameOf(index), index);
        using nn.Module model = _task.CreateModel(seed: 0).to(_device);
        EvaluatedWeights.Load(model, _archive);
        model.eval();
        int[] indices = [.. extremes.Select(extreme => places[extreme.Sample.Name])];
        foreach ((int place, IReadOnlyList<SamplePicture> pictures) in new SampleDrawing(_config, _task, _device, journal).Of(model, _dataset, indices, stopping))
            files.Add(Write(SamplePicture.SideBySide(pictures), Path.Combine(Path.GetFullPath(folder), $"{extremes[place].FileStem}.png")));
        return files;
    }

    private static string Write(ImageBuffer picture, string path)
    {
        using ResultFile file = new(path);
        try
        {
            PngWriter.Write(file.Stream, picture);
            file.Complete();
            return path;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw ResultFile.Refused(path, refused);
        }
    }

    internal static Evaluator Open(TrainingConfig config, string path, CheckpointChoice choice, DatasetSplit split, Action<RunWarning> warn, Func<IDataset> open)
    {
        CheckpointArchive archive = OpenArchive(path, choice, warn);
        CheckpointRecorder.CheckModel(archive, TaskCatalog.IdentityOf(config));
        Device device = DeviceSelection.Find(config.Device);
        IDataset dataset = open();
        foreach (RunWarning warning in LoaderJournal.WarningsOf(dataset))
            warn(warning);
        if (split == DatasetSplit.Train && config.Data.CropSize is int side && dataset.Fields.Any(field => field.Shape is [.., var height, var width] && (height, width) == (side, side)))
            warn(new RunWarning($"The training split is scored on crops of {side} pixels (data.crop_size), as it is learned from, and not on whole images: its scores are not to be compared with those of validation and test."));
        ITrainingTask task = TaskCatalog.Of(config);
        TrainingPlan.CheckSplit(task, split, dataset);
        return new Evaluator(config, task, split, dataset, device, archive);
    }

    /// <summary>Opens the checkpoint that a run's or a checkpoint's folder means.</summary>
    /// <exception cref="CheckpointException">There is none that can be used.</exception>
    internal static CheckpointArchive OpenArchive(string path, CheckpointChoice choice, Action<RunWarning> warn)
    {
        if (!Directory.Exists(path))
            throw new CheckpointException(CheckpointException.NotFound, $"There is no folder '{path}'; a run's or a checkpoint's is expected.", path);
        if (!RunFolder.IsRun(path))
            return CheckpointArchive.Open(CheckpointStore.Open(path));

        void Tell(string sentence) => warn(new RunWarning(sentence));
        var store = new CheckpointStore(RunFolder.CheckpointsPathOf(path));
        CheckpointArchive? found = choice == CheckpointChoice.Best ? store.OpenBest(Tell) : store.OpenLatest(Tell);
        return found ?? throw new CheckpointException(
            CheckpointException.NotFound,
            choice == CheckpointChoice.Best && store.List().Count > 0
                ? $"The run '{path}' has no best checkpoint yet: no epoch has been validated; --checkpoint latest takes its latest one."
                : $"The run '{path}' has no checkpoint yet.",
            path);
    }
}
