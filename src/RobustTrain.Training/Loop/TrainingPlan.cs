using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Ordering;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Distributed;
using RobustTrain.Training.Evaluation;
using RobustTrain.Training.Loading;
using RobustTrain.Training.Native;
using RobustTrain.Training.Optimization;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Training.Loop;

/// <summary>
/// A training that can begin: the configuration has been checked against the data, the network and the machine, and nothing
/// has been created on disk yet.
/// </summary>
public sealed class TrainingPlan
{
    private readonly RankPlace _place;
    private readonly TrainingPlan? _former;

    private TrainingPlan(TrainingConfig config, ITrainingTask task, DataSplits data, Device device, RankPlace place, TrainingStage? stage = null, TrainingPlan? former = null)
    {
        _place = place;
        _former = former;
        Stage = stage ?? new TrainingStage("", 0, config, []);
        Stages = [this];
        Config = config;
        Task = task;
        Data = data;
        Device = device;
        TrainingLoaderOptions = config.Loader with
        {
            Seed = SeedDerivation.Derive(config.Seed, SeedDerivation.Data),
            EpochSeeds = config.EpochSeeds is null ? null : [.. config.EpochSeeds.Select(seed => SeedDerivation.Derive(seed, SeedDerivation.Data))],
            Shuffle = true,
            EnlargeRatio = config.Data.EnlargeRatio,
        };
        BatchCount = new EpochPlan(data.Training.Count, TrainingLoaderOptions, epoch: 0).BatchCount;
    }

    /// <summary>The configuration.</summary>
    public TrainingConfig Config { get; }

    /// <summary>The datasets.</summary>
    public DataSplits Data { get; }

    /// <summary>Where the network runs.</summary>
    public Device Device { get; }

    /// <summary>The GPU, as torch counts them; null for the CPU.</summary>
    public int? GpuIndex => Device.type == DeviceType.CUDA ? Device.index : null;

    /// <summary>CPU threads of one operator.</summary>
    public int Threads => Config.Threads ?? Math.Max(1, Environment.ProcessorCount / _place.Ranks);

    /// <summary>Batches of an epoch.</summary>
    public int BatchCount { get; }

    /// <summary>Steps of an epoch: batches, or groups of them where gradients are accumulated.</summary>
    public int StepsPerEpoch => (BatchCount + Config.Trainer.Accumulate - 1) / Config.Trainer.Accumulate;

    /// <summary>Epochs to train, those of earlier stages included. Where the steps are given, the last one may end early, and more follow where batches are left out.</summary>
    public int Epochs => Stages[^1] != this ? Stages[^1].Epochs
        : Config.Trainer.TotalIter is int steps ? FirstEpoch + (int)(((long)steps - Stage.Begin + StepsPerEpoch - 1) / StepsPerEpoch) : Config.Trainer.Epochs;

    /// <summary>The stages of the training in their order, each as a training that begins where the one before it ends; of one without stages itself.</summary>
    public IReadOnlyList<TrainingPlan> Stages { get; private set; }

    /// <summary>What the operator should know: of the datasets' files that are converted or left out, and of keys that are not used.</summary>
    public IReadOnlyList<RunWarning> Warnings =>
    [
        .. TaskCatalog.UnusedModelKeys(Config),
        .. Stages.Select(stage => stage.Data).Distinct().SelectMany(data => LoaderJournal.WarningsOf(data.Training, data.Validation, data.Test)),
    ];

    /// <summary>What is to be said of the weights that the training starts from.</summary>
    public IReadOnlyList<RunWarning> StartWarnings { get; private set; } = [];

    /// <summary>The names of an epoch's scores, those of validation sets included.</summary>
    public IReadOnlyList<string> ScoreNames =>
        [.. Task.Scores.Select(score => score.Name), .. (Data.ValidationSets ?? []).SelectMany(set => Task.Scores.Select(score => $"{set.Name}/{score.Name}"))];

    /// <summary>What is learned.</summary>
    internal ITrainingTask Task { get; }

    /// <summary>The stage that this is.</summary>
    internal TrainingStage Stage { get; }

    /// <summary>Whether the data are those of the stage before.</summary>
    internal bool HasFormerData => _former?.Data == Data;

    // The stage's first epoch, where no batch is left out.
    private int FirstEpoch => _former?.Epochs ?? 0;

    internal LoaderOptions TrainingLoaderOptions { get; }

    /// <summary>Opens the datasets and checks everything that can be checked before the first step.</summary>
    /// <exception cref="RunException">The configuration doesn't fit the machine, the data or the network.</exception>
    /// <exception cref="DatasetException">A dataset can't be opened.</exception>
    public static TrainingPlan Create(TrainingConfig config) => Create(config, RankPlace.Alone);

    /// <summary>The same for one of several ranks.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="place">This rank's place on its host, which gives it its GPU and its share of the cores.</param>
    /// <inheritdoc cref="Create(TrainingConfig)"/>
    public static TrainingPlan Create(TrainingConfig config, RankPlace place)
    {
        Device device = DeviceSelection.Find(config.Device, place);
        ITrainingTask task = TaskCatalog.Of(config);
        return Create(config, task, task.OpenSplits(), device, place);
    }

    /// <summary>Makes a plan over datasets that are open already.</summary>
    /// <inheritdoc cref="Create(TrainingConfig)"/>
    public static TrainingPlan Create(TrainingConfig config, DataSplits data) =>
        Create(config, TaskCatalog.Of(config), data);

    /// <summary>As above, for a task that is in no catalogue.</summary>
    internal static TrainingPlan Create(TrainingConfig config, ITrainingTask task, DataSplits data) => Create(config, task, data, DeviceSelection.Find(config.Device), RankPlace.Alone);

    /// <summary>Whether the steps that are to be trained are done.</summary>
    internal bool HasAllSteps(TrainingCursor cursor) => cursor.GlobalStep >= Config.Trainer.TotalIter;

    /// <summary>Whether the epoch at the cursor, which has just been trained, is the last one.</summary>
    internal bool IsLastEpoch(TrainingCursor cursor) =>
        Config.Trainer.TotalIter is null ? cursor.Epoch + 1 >= Config.Trainer.Epochs : HasAllSteps(cursor);

    /// <summary>Whether the training is over at a cursor: no epoch is under way, and none is to follow.</summary>
    internal bool IsOver(TrainingCursor cursor) =>
        Config.Trainer.TotalIter is null ? cursor.Epoch >= Config.Trainer.Epochs : HasAllSteps(cursor) && cursor.Batch == 0;

    /// <summary>Whether a cursor is where the stage before has just ended, so that its checkpoint is one of that stage.</summary>
    internal bool BeginsAt(TrainingCursor cursor) =>
        _former is not null && cursor.Batch == 0 && (Config.Trainer.TotalIter is null ? cursor.Epoch : cursor.GlobalStep) == Stage.Begin;

    /// <summary>Whether a cursor is not before the stage.</summary>
    internal bool Holds(TrainingCursor cursor) => _former is null || _former.IsBehind(cursor);

    // Whether a cursor lies behind the stage; the stages that follow may be within an epoch there.
    private bool IsBehind(TrainingCursor cursor) => IsOver(cursor) || cursor.GlobalStep > Config.Trainer.TotalIter;

    /// <summary>The number of the stage in which a cursor is; the last one where the training is over.</summary>
    internal int StageAt(TrainingCursor cursor)
    {
        int stage = 0;
        while (stage + 1 < Stages.Count && Stages[stage].IsBehind(cursor))
            stage++;
        return stage;
    }

    /// <summary>The samples in so many batches from a cursor on.</summary>
    internal int CountSamples(TrainingCursor cursor, int batches)
    {
        EpochPlan epoch = EpochPlanOf(cursor.Epoch);
        int samples = 0;
        for (int batch = cursor.Batch; batch < cursor.Batch + batches; batch++)
            samples += epoch.CountOf(batch);
        return samples;
    }

    /// <summary>The seed of a step's own randomness.</summary>
    /// <param name="cursor">Where the step begins.</param>
    /// <param name="number">The batch's number in the step, from 0.</param>
    internal long StepSeed(TrainingCursor cursor, int number) => SeedDerivation.Derive(
        Config.EpochSeeds?[cursor.Epoch] ?? Config.Seed, SeedDerivation.Step, (cursor.GlobalStep * Config.Trainer.Accumulate) + number);

    /// <summary>The seed of a shard's own randomness in a batch.</summary>
    /// <param name="cursor">Where the step begins.</param>
    /// <param name="number">The batch's number in the step, from 0.</param>
    /// <param name="shard">The shard, from 0.</param>
    internal long ShardSeed(TrainingCursor cursor, int number, int shard) => SeedDerivation.Derive(StepSeed(cursor, number), SeedDerivation.Shard, shard);

    /// <summary>The order of an epoch, over all ranks.</summary>
    internal EpochPlan EpochPlanOf(int epoch) => new(Data.Training.Count, TrainingLoaderOptions, epoch);

    /// <summary>The samples of a batch where none is skipped.</summary>
    internal int WholeCountOf(int epoch, int batch) => EpochPlanOf(epoch).CountOf(batch);

    /// <summary>How epochs are compared.</summary>
    internal IScoreOrder CreateOrder() => ScoreOrders.Create(Config.Selection, Config.Trainer.BestMetric, Task.Scores, Data.ValidationSets);

    /// <summary>A loader of the training data, shuffled by the run's seed.</summary>
    /// <param name="journal">Is told of workers that fail and samples that can't be loaded; null for none.</param>
    /// <param name="quarantinePath">The file that remembers such samples for later runs.</param>
    /// <param name="ranks">Who shares each batch; null for this process alone.</param>
    /// <exception cref="RunException">The workers that are asked for can't be had.</exception>
    internal PrefetchLoader OpenTrainingLoader(IRunJournal? journal = null, string? quarantinePath = null, Ranks? ranks = null) =>
        LoaderSettings.Open(Data.Training, TrainingLoaderOptions with
        {
            Rank = ranks?.Rank ?? 0,
            WorldSize = ranks?.Size ?? 1,
            Observer = journal is null ? null : LoaderJournal.ObserverFor(journal, SplitNames.Of(DatasetSplit.Train)),
            QuarantinePath = quarantinePath,
            QuarantinePart = SplitNames.Of(DatasetSplit.Train),
        });

    /// <summary>The learning rate of each step.</summary>
    /// <param name="learningRate">The rate at the end of the warm-up; null takes the network's.</param>
    /// <param name="firstStep">The step at which the stage has begun.</param>
    internal LearningRateSchedule CreateSchedule(double? learningRate = null, long firstStep = 0) => LearningRateSchedule.Create(
        Config.Schedule, learningRate ?? Config.Optimizer.LearningRate, StepsPerEpoch, Epochs - FirstEpoch, Config.Trainer.TotalIter - Stage.Begin).From(firstStep);

    /// <summary>Loads the weights that the training starts from.</summary>
    /// <inheritdoc cref="StartingWeights.Load"/>
    internal (string From, string? Warning) LoadStart(nn.Module model, string path) => new StartingWeights(model, TaskCatalog.NetworkOf(Config)?.Head, Config.Model.Classes).Load(path);

    /// <summary>The network with its first weights, on the device.</summary>
    internal nn.Module CreateModel() => Task.CreateModel(SeedDerivation.Derive(Config.Seed, SeedDerivation.Weights)).to(Device);

    private static TrainingPlan Create(TrainingConfig config, ITrainingTask task, DataSplits data, Device device, RankPlace place)
    {
        TrainingPlan plan = Checked(new TrainingPlan(config, task, data, device, place));
        if (config.Stages is null)
            return plan;
        List<TrainingPlan> stages = [];
        foreach (TrainingStage stage in TrainingStages.Of(config))
        {
            TrainingPlan? former = stages.LastOrDefault();
            stages.Add(Within(stage, () =>
            {
                ITrainingTask own = TaskCatalog.Of(stage.Config);
                DataSplits seen = former is null ? data : HasSameData(former.Config, stage.Config) ? former.Data : own.OpenSplits();
                return Checked(new TrainingPlan(stage.Config, own, seen, device, place, stage, former));
            }));
        }

        plan.Stages = stages;
        return plan;
    }

    private static bool HasSameData(TrainingConfig one, TrainingConfig other) =>
        ConfigurationWriter.Differences(one, other).All(difference => !difference.Path.StartsWith("data.", StringComparison.Ordinal));

    // What is wrong with a stage says so.
    private static TrainingPlan Within(TrainingStage stage, Func<TrainingPlan> create)
    {
        string where = stage.Name.Length > 0 ? $"In stages.{stage.Name}" : "Before the first of 'stages'";
        try
        {
            return create();
        }
        catch (RunException wrong)
        {
            throw new RunException(wrong.ExitCode, wrong.ErrorId, $"{where}: {wrong.Message}", wrong.Target, wrong);
        }
        catch (DatasetException wrong)
        {
            throw new DatasetException($"{where}: {wrong.Message}", wrong.Path, wrong);
        }
    }

    private static TrainingPlan Checked(TrainingPlan plan)
    {
        (TrainingConfig config, ITrainingTask task, DataSplits data) = (plan.Config, plan.Task, plan.Data);
        CheckSplit(task, DatasetSplit.Train, data.Training);
        CheckSplit(task, DatasetSplit.Val, data.Validation);
        CheckSplit(task, DatasetSplit.Test, data.Test);
        if (plan.BatchCount == 0)
        {
            throw new RunException(
                ExitCode.Configuration, "NoTrainingBatch",
                $"The training split has {Counted.Of(data.Training.Count, "sample")}, fewer than the {config.Loader.BatchSize} of a batch, and loader.drop_last leaves incomplete batches out.", "loader.batch_size");
        }

        if (config.EpochSeeds is { } seeds && seeds.Count < plan.Epochs)
        {
            throw new RunException(
                ExitCode.Configuration, "EpochSeedsMissing",
                $"epoch_seeds has {Counted.Of(seeds.Count, "seed")}, but trainer.total_iter takes {Counted.Of(plan.Epochs, "epoch")} of {Counted.Of(plan.StepsPerEpoch, "step")}.", "epoch_seeds");
        }

        Prefetcher.Check(config.Loader, plan.Device);
        plan.CheckLoader();
        plan.CreateSchedule();
        plan.CreateOrder();
        plan.CheckWeights();
        return plan;
    }

    private void CheckLoader()
    {
        using PrefetchLoader loader = OpenTrainingLoader();
        LoaderSettings.Try(loader.CheckMemory);
    }

    // What names parameters can be checked only against a network.
    private void CheckWeights()
    {
        if (Config.Trainer.Freeze.Count == 0 && Config.Trainer.StartFrom is null && Config.Trainer.Shards == 1)
            return;
        using nn.Module model = Task.CreateModel(seed: 0);
        ParameterFreezing.Apply(model, Config.Trainer.Freeze);
        if (_former is null && Config.Trainer.StartFrom is { } path && LoadStart(model, path).Warning is { } warning)
            StartWarnings = [new RunWarning(warning) { Kind = "head_at_random" }];
        if (Config.Trainer.Shards > 1 && model.named_parameters().FirstOrDefault(named => named.parameter.dtype != ScalarType.Float32) is { name: { } other } found)
            throw new RunException(ExitCode.Configuration, "ShardsNeedFloat32", $"trainer.shards is {Config.Trainer.Shards}, but the network's '{other}' is {found.parameter.dtype}; shards add up gradients of 32 bits (Float32). Set trainer.shards to 1.", "trainer.shards");
        if (Config.Trainer.SynchronizedBatchNorm)
            SynchronizedNorms.Check(model);
    }

    /// <summary>Checks that the network can take a split's samples.</summary>
    /// <exception cref="RunException">It can't, or there are none.</exception>
    internal static void CheckSplit(ITrainingTask task, DatasetSplit split, IDataset dataset)
    {
        if (dataset.Count == 0)
            throw new RunException(ExitCode.Configuration, "SplitEmpty", $"The {SplitNames.Of(split)} split of the dataset has no samples.", SplitNames.Of(split));
        task.CheckSplit(split, dataset);
        task.CheckNetwork(dataset);
    }
}

/// <summary>
/// Derives every seed of a run from the one that the configuration gives: the first eight bytes (little-endian, the sign bit cleared)
/// of SHA-256 over the UTF-8 text <c>robusttrain/{purpose}/{seed}/{index}</c>, numbers in decimal. See docs/decisions/seeds.md.
/// </summary>
public static class SeedDerivation
{
    /// <summary>The purpose of the initial weights' seed.</summary>
    public const string Weights = "weights";

    /// <summary>The purpose of the seed of order and augmentation.</summary>
    public const string Data = "data";

    /// <summary>The purpose of the seed of a step's own randomness, such as dropout; its index is the global step.</summary>
    public const string Step = "step";

    /// <summary>The purpose of the seed of a shard's part of a step's randomness; its seed is the step's, its index the shard.</summary>
    public const string Shard = "shard";

    /// <summary>The seed for <paramref name="purpose"/>, from 0 to <see cref="long.MaxValue"/>.</summary>
    public static long Derive(long seed, string purpose, long index = 0)
    {
        Span<byte> text = stackalloc byte[128];
        int length = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"robusttrain/{purpose}/{seed}/{index}"), text);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash) & long.MaxValue;
    }
}
