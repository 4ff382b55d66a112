using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Loading;
using RobustTrain.Data.Loading.Workers;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Loop;
using RobustTrain.Training.Native;
using RobustTrain.Training.Tasks;

namespace RobustTrain.Training;

/// <summary>
/// Finds what would keep a configuration from training, or end its training later: all of it and not the first. It reads every file of every split
/// whole, and starts the workers.
/// </summary>
public sealed class TrainingCheck
{
    // What a process worker takes at the least, its share in the ring not counted.
    private const long WorkerBytes = 16L << 20;

    private readonly TrainingConfig _config;
    private readonly ITrainingTask _task;
    private readonly long _availableBytes;
    private readonly List<Exception> _faults = [];
    private readonly List<RunWarning> _warnings = [];
    private readonly Dictionary<DatasetSplit, IDataset> _splits = [];
    private readonly List<Source> _sources = [];
    private TrainingPlan? _plan;

    private TrainingCheck(TrainingConfig config, long availableBytes)
    {
        _config = config;
        _task = TaskCatalog.Of(config);
        _availableBytes = availableBytes;
    }

    /// <summary>What is wrong, each with its own sentence; nothing where the training can begin.</summary>
    public IReadOnlyList<Exception> Faults => _faults;

    /// <summary>What the operator should know.</summary>
    public IReadOnlyList<RunWarning> Warnings => _warnings;

    /// <summary>The training; null where it can't begin.</summary>
    public TrainingPlan? Plan => _plan;

    /// <summary>The samples of a split; null where it can't be opened.</summary>
    public int? CountOf(DatasetSplit split) => _splits.TryGetValue(split, out IDataset? dataset) ? dataset.Count : null;

    /// <summary>Checks.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="progress">Is told how many parts of the datasets have been read, and of how many; from any thread.</param>
    /// <param name="stopping">Ends it with <see cref="OperationCanceledException"/>.</param>
    public static TrainingCheck Of(TrainingConfig config, Action<int, int>? progress = null, CancellationToken stopping = default) =>
        Of(config, SystemResources.AvailableMemoryBytes(), progress, stopping);

    /// <inheritdoc cref="Of(TrainingConfig, Action{int, int}?, CancellationToken)"/>
    internal static TrainingCheck Of(TrainingConfig config, long availableBytes, Action<int, int>? progress = null, CancellationToken stopping = default)
    {
        TrainingCheck check = new(config, availableBytes);
        try
        {
            check.Open();
            check.ReadFiles(progress, stopping);
            if (check._plan is { } plan && check._faults.Count == 0)
                check.StartWorkers(plan, stopping);
            return check;
        }
        finally
        {
            foreach (IDisposable dataset in check._sources.Select(source => source.Dataset).OfType<IDisposable>())
                dataset.Dispose();
        }
    }

    private void Open()
    {
        Try(() => DeviceSelection.Find(_config.Device));
        foreach (DatasetSplit split in Enum.GetValues<DatasetSplit>())
        {
            Try(() => OpenSplit(split));
            if (!_splits.TryGetValue(split, out IDataset? dataset))
                continue;
            _sources.Add(new Source("", _config, split, dataset));
            Try(() => TrainingPlan.CheckSplit(_task, split, dataset));
        }

        if (_splits.Count == Enum.GetValues<DatasetSplit>().Length)
            MakePlan();
        _warnings.AddRange([.. TaskCatalog.UnusedModelKeys(_config), .. _sources.GroupBy(source => source.Where).SelectMany(sources => LoaderJournal.WarningsOf(sources.Select(source => source.Dataset))).DistinctBy(warning => warning.Message), .. _plan?.StartWarnings ?? []]);
    }

    private void MakePlan()
    {
        IDataset validation = _splits[DatasetSplit.Val];
        Try(() => _plan = TrainingPlan.Create(
            _config,
            new DataSplits(_splits[DatasetSplit.Train], validation, _splits[DatasetSplit.Test]) { ValidationSets = _task.ValidationSetsOf(validation) }));
        foreach (TrainingPlan stage in (_plan?.Stages ?? []).Skip(1).Where(stage => !stage.HasFormerData))
        {
            string where = $"In stages.{stage.Stage.Name}: ";
            _sources.AddRange(
            [
                new Source(where, stage.Config, DatasetSplit.Train, stage.Data.Training),
                new Source(where, stage.Config, DatasetSplit.Val, stage.Data.Validation),
                new Source(where, stage.Config, DatasetSplit.Test, stage.Data.Test),
            ]);
        }
    }

    // Where files are at fault, the others have not been read whole: the operator should know that more may be found.
    private void OpenSplit(DatasetSplit split)
    {
        try
        {
            _splits[split] = TaskCatalog.OpenDataset(_config, split);
        }
        catch (DatasetException exception) when (exception.Faults.Any(fault => File.Exists(fault.Path)))
        {
            _warnings.Add(new RunWarning($"The pixels of the {SplitNames.Of(split)} split were not read, since its files do not fit together yet: mend what is named and check again."));
            throw;
        }
    }

    private void ReadFiles(Action<int, int>? progress, CancellationToken stopping)
    {
        (Source Source, int Part)[] all = [.. _sources.SelectMany(source => Enumerable.Range(0, PartsOf(source.Dataset)), (source, part) => (source, part))];
        IReadOnlyList<DatasetFault>[] found = new IReadOnlyList<DatasetFault>[all.Length];
        int done = 0;
        Parallel.For(0, all.Length, new ParallelOptions { MaxDegreeOfParallelism = _config.Threads ?? Environment.ProcessorCount, CancellationToken = stopping }, place =>
        {
            found[place] = ((ICheckableDataset)all[place].Source.Dataset).FaultsOfPart(all[place].Part);
            progress?.Invoke(Interlocked.Increment(ref done), all.Length);
        });
        foreach (IGrouping<Source, int> source in Enumerable.Range(0, all.Length).Where(place => found[place].Count > 0).GroupBy(place => all[place].Source))
            Judge(source.Key, source.Count(), [.. source.SelectMany(place => found[place])]);
    }

    private static int PartsOf(IDataset dataset) => dataset is ICheckableDataset checkable ? checkable.PartCount : 0;

    // A training that may skip samples goes on without those of a broken file, as long as they are few.
    private void Judge(Source source, int parts, IReadOnlyList<DatasetFault> faults)
    {
        LoaderOptions options = source.Config.Loader;
        int epoch = source.Dataset.Count * (source.Split == DatasetSplit.Train ? source.Config.Data.EnlargeRatio : 1);
        int lost = epoch / PartsOf(source.Dataset) * parts;
        int most = options.MaxSkippedOf(epoch);
        if (options.OnBadSample == BadSamplePolicy.Skip && lost <= most)
        {
            foreach (string warning in faults.Select(fault => $"{fault.Message} Its samples will be skipped.").Where(warning => !_warnings.Exists(known => known.Message.EndsWith(warning, StringComparison.Ordinal))))
                _warnings.Add(new RunWarning(source.Where + warning));
            return;
        }

        // A stage's data may be the same files as those before, cut otherwise.
        foreach (DatasetFault fault in faults.Where(fault => !_faults.Exists(known => known.Message.EndsWith(fault.Message, StringComparison.Ordinal))))
            Add(new SampleException(source.Where + fault.Message, fault.Path));
        if (options.OnBadSample == BadSamplePolicy.Skip)
            Add(new RunException(ExitCode.Data, "SkipBudgetExceeded", $"{source.Where}{lost} of the {epoch} samples of an epoch of the {SplitNames.Of(source.Split)} split can't be loaded, but loader.max_skipped allows {most}.", "loader.max_skipped"));
    }

    private void StartWorkers(TrainingPlan plan, CancellationToken stopping)
    {
        if (_config.Loader.NumWorkers is not > 0)
            return;
        int workers = _config.Loader.NumWorkers.Value;
        bool processes = plan.TrainingLoaderOptions.WorkerKind == WorkerKind.Process;
        if (processes && workers * WorkerBytes > _availableBytes)
        {
            Add(NotStarted($"so many processes need {workers * WorkerBytes >> 20} MiB of memory at the least, and {_availableBytes >> 20} MiB are available"));
            return;
        }

        FirstFailure failure = new();
        Try(() =>
        {
            using PrefetchLoader loader = plan.OpenTrainingLoader(failure);
            using EpochStream stream = loader.Open(epoch: 0, stopping: stopping);
            stream.MoveNext();
            while (failure.Message is null && stream.Workers.Any(worker => worker.Starts == 0 || worker.Health == WorkerHealth.Starting))
                stopping.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(5));
            stopping.ThrowIfCancellationRequested();
        });
        if (failure.Message is { } message)
            Add(NotStarted(message.TrimEnd('.')));
    }

    private RunException NotStarted(string reason) => new(
        ExitCode.Configuration, "WorkersNotStarted", $"loader.num_workers is {_config.Loader.NumWorkers}, but not all of them can work here: {reason}.", "loader.num_workers");

    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception exception) when (exception is RunException or DatasetException or LoaderException or SampleException or SkipBudgetException)
        {
            Add(exception);
        }
    }

    // What is wrong with the folder, each split finds again.
    private void Add(Exception fault)
    {
        if (_faults.All(known => known.Message != fault.Message))
            _faults.Add(fault);
    }

    /// <summary>A split that is read whole: of the training, or of a stage with data of its own.</summary>
    /// <param name="where">What a sentence about it begins with.</param>
    /// <param name="config">What holds there.</param>
    /// <param name="split">The split.</param>
    /// <param name="dataset">Its samples.</param>
    private sealed class Source(string where, TrainingConfig config, DatasetSplit split, IDataset dataset)
    {
        public string Where { get; } = where;

        public TrainingConfig Config { get; } = config;

        public DatasetSplit Split { get; } = split;

        public IDataset Dataset { get; } = dataset;
    }

    /// <summary>Keeps why the first worker failed.</summary>
    private sealed class FirstFailure : IRunJournal
    {
        private volatile string? _message;

        public string? Message => _message;

        public void Write(RunEvent runEvent)
        {
            if (runEvent is LoaderChanged { Kind: "worker_died" or "worker_stuck" or "fell_back" } failed)
                _message ??= failed.Message;
        }
    }
}
