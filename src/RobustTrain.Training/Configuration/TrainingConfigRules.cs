using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Platform;

namespace RobustTrain.Training.Configuration;

/// <summary>What keys demand of each other in every task, as far as the configuration alone can tell; and what several tasks demand.</summary>
internal static class TrainingConfigRules
{
    private const int MostMapClasses = 255;

    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config) =>
        [.. Shards(config), .. Seeds(config), .. Names(config), .. Discriminator(config), .. Cache(config), .. Metrics(config), .. TrainingStages.Check(config), .. TaskCatalog.DefinitionOf(config).Rules(config)];

    /// <summary>What the weights and the names of classes demand, where the loss is one of classes.</summary>
    public static IEnumerable<ValidationResult> ClassWeights(TrainingConfig config)
    {
        const string key = "criterion.class_weights";
        CriterionConfig criterion = config.Criterion;
        if (criterion.Weighting == "given" && criterion.ClassWeights is null)
            yield return Conflict(key, $"'{key}' is not given, but 'criterion.weighting' is given, so it must list {config.Model.Classes} weights.");
        if (criterion.Weighting != "given" && criterion.ClassWeights is not null)
            yield return Conflict(key, $"'{key}' is given, but 'criterion.weighting' is {criterion.Weighting}, so it would not be used; set 'criterion.weighting: given'.");
        if (criterion.ClassWeights is { } weights && weights.Count != config.Model.Classes)
            yield return Conflict(key, $"'{key}' has {weights.Count} weights, but 'model.classes' is {config.Model.Classes}.");
        if (criterion.ClassWeights?.Any(weight => !(weight >= 0 && double.IsFinite(weight))) == true || criterion.ClassWeights?.All(weight => weight == 0) == true)
            yield return Conflict(key, $"'{key}' is {ConfigurationWriter.Quote(criterion.ClassWeights)}, but weights must be 0 or more, and one of them above 0.");
        if (criterion.LabelSmoothing > 0 && criterion.Name != "cross-entropy")
            yield return Conflict("criterion.label_smoothing", $"'criterion.label_smoothing' is {ConfigurationWriter.Quote(criterion.LabelSmoothing)}, but 'criterion.name' is {criterion.Name}; only cross-entropy smooths labels.");
        if (config.Model.ClassNames is { } names && names.Count != config.Model.Classes)
            yield return Conflict("model.class_names", $"'model.class_names' has {names.Count} names, but 'model.classes' is {config.Model.Classes}.");
        if (config.Model.ClassNames?.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            yield return Conflict("model.class_names", $"'model.class_names' has '{twice.Key}' more than once.");
    }

    /// <summary>What class maps demand, whose values are bytes.</summary>
    public static IEnumerable<ValidationResult> LabelMaps(TrainingConfig config)
    {
        CriterionConfig criterion = config.Criterion;
        if (config.Model.Classes > MostMapClasses)
            yield return Conflict("model.classes", $"'model.classes' is {config.Model.Classes}, but the labels of {config.Task} are images, whose values can stand for at most {MostMapClasses} classes.");
        if (criterion.IgnoreIndex < config.Model.Classes)
        {
            yield return Conflict(
                "criterion.ignore_index",
                $"'criterion.ignore_index' is {criterion.IgnoreIndex}, which is one of the {config.Model.Classes} classes, but must be a value that no class has.");
        }
    }

    /// <summary>What crops demand.</summary>
    public static IEnumerable<ValidationResult> Crops(DataConfig data)
    {
        if (data.CropSize is null && data.ChangedCropShare > 0)
            yield return Conflict("data.changed_crop_share", "'data.changed_crop_share' is given, but 'data.crop_size' is null, so there are no crops to choose.");
    }

    /// <summary>What validation sets demand.</summary>
    /// <param name="data">The section.</param>
    /// <param name="parts">What a set lists, for people.</param>
    public static IEnumerable<ValidationResult> ValidationSets(DataConfig data, string parts)
    {
        const string key = "data.validation_sets";
        if (data.ValidationSets is not { } sets)
            yield break;
        if (sets.Count == 0)
            yield return Conflict(key, $"'{key}' has no sets; null makes none.");
        foreach (string name in sets.Where(set => set.Value.Count == 0).Select(set => set.Key))
            yield return Conflict(key, $"'{key}.{name}' is empty, but must list the set's {parts}.");
        foreach (IGrouping<string, string> twice in sets.SelectMany(set => set.Value).GroupBy(item => item, StringComparer.OrdinalIgnoreCase).Where(items => items.Count() > 1))
            yield return Conflict(key, $"'{key}' lists '{twice.Key}' more than once, but a sample counts in one set.");
        if (data.Lists.Val is not null)
            yield return Conflict("data.lists.val", $"'data.lists.val' is given beside '{key}'; a validation split comes from one of them.");
    }

    /// <summary>What normalisation by channels demands.</summary>
    public static IEnumerable<ValidationResult> Channels(TrainingConfig config)
    {
        (string Key, IReadOnlyList<double> Values)[] perChannel = [("data.mean", config.Data.Mean), ("data.std", config.Data.Std)];
        foreach ((string key, IReadOnlyList<double> values) in perChannel.Where(item => item.Values.Count != config.Model.InChannels))
            yield return Conflict(key, $"'{key}' has {values.Count} values, but 'model.in_channels' is {config.Model.InChannels}.");
        if (config.Data.Std.Any(value => !(value > 0)))
            yield return Conflict("data.std", $"'data.std' is {ConfigurationWriter.Quote(config.Data.Std)}, but each value must be above 0.");
    }

    /// <summary>A contradiction.</summary>
    /// <param name="key">The dotted key that is at fault.</param>
    /// <param name="message">A sentence that names it, what was found, and what was expected.</param>
    public static ValidationResult Conflict(string key, string message) => new(message, [key]);

    private static IEnumerable<ValidationResult> Shards(TrainingConfig config)
    {
        int shards = config.Trainer.Shards;
        const string key = "trainer.synchronized_batch_norm";
        if (config.Trainer.SynchronizedBatchNorm && shards == 1)
            yield return Conflict(key, $"'{key}' is true, but 'trainer.shards' is 1, so that each batch is normalised as a whole already; set 'trainer.shards' to 2 or more.");
        if (config.Trainer.SynchronizedBatchNorm && config.Trainer.MicroBatch is int samples)
            yield return Conflict("trainer.micro_batch", $"'trainer.micro_batch' is {samples}, but '{key}' is true, and the whole batch has no statistics before all of it is computed; it must be null.");
        if (config.Trainer.SynchronizedBatchNorm && config.Gan.Loss != GanConfig.None)
            yield return Conflict(key, $"'{key}' is true, but 'gan.loss' is {config.Gan.Loss}, and a network that is trained against a discriminator can't share statistics; it must be false.");
        if (config.Trainer.SynchronizedBatchNorm && config.Model.Path is not null)
            yield return Conflict(key, $"'{key}' is true, but 'model.path' is given, and the layers of a TorchScript network can't be reached; it must be false.");
        if (shards > config.Loader.BatchSize)
            yield return Conflict("trainer.shards", $"'trainer.shards' is {shards}, but 'loader.batch_size' is {config.Loader.BatchSize}, and each shard takes a sample or more; it must be at most {config.Loader.BatchSize}.");
    }

    private static IEnumerable<ValidationResult> Seeds(TrainingConfig config)
    {
        if (config.EpochSeeds is { } seeds && config.Trainer.TotalIter is null && seeds.Count < config.Trainer.Epochs)
            yield return Conflict("epoch_seeds", $"'epoch_seeds' has {seeds.Count} seeds, but 'trainer.epochs' is {config.Trainer.Epochs}.");
    }

    // Any worker may get any sample: each process would have to keep all images for itself.
    private static IEnumerable<ValidationResult> Cache(TrainingConfig config)
    {
        const string key = "data.cache.memory_share";
        if (config.Data.Cache.MemoryShare > 0 && config.Loader.WorkerKind == WorkerKind.Process && config.Loader.NumWorkers != 0)
            yield return Conflict(key, $"'{key}' is {ConfigurationWriter.Quote(config.Data.Cache.MemoryShare)}, but 'loader.worker_kind' is process, and processes don't share that memory; 'data.cache.path' keeps images for all of them.");
    }

    private static IEnumerable<ValidationResult> Discriminator(TrainingConfig config)
    {
        TaskDefinition task = TaskCatalog.DefinitionOf(config);
        if (config.Gan.Loss != GanConfig.None && !task.HasDiscriminator)
            yield return Conflict("gan.loss", $"'gan.loss' is {config.Gan.Loss}, but 'task' is {task.Name}, which has no discriminator; it must be {GanConfig.None}.");
    }

    // Each key's own list has the names of all tasks.
    private static IEnumerable<ValidationResult> Names(TrainingConfig config)
    {
        TaskDefinition task = TaskCatalog.DefinitionOf(config);
        IEnumerable<(string Key, string Name, IEnumerable<string> Known)> names =
        [
            ("data.dataset", config.Data.Dataset, task.Datasets),
            ("criterion.name", config.Criterion.Name, task.Criteria),
            .. config.Model.Path is null ? [("model.name", config.Model.Name, task.Models)] : (IEnumerable<(string, string, IEnumerable<string>)>)[],
            .. ScoresIn(config).Select(score => (score.Key, score.Metric[(score.Metric.IndexOf('/', StringComparison.Ordinal) + 1)..], task.Scores.Select(known => known.Name))),
        ];
        foreach ((string key, string name, IEnumerable<string> known) in names.Where(item => !item.Known.Contains(item.Name)))
            yield return Conflict(key, $"'{key}' is '{name}', but 'task' is {task.Name}, so that it must be one of {string.Join(", ", known)}.");
    }

    private static IEnumerable<ValidationResult> Metrics(TrainingConfig config)
    {
        foreach ((string key, string metric) in ScoresIn(config).Where(item => item.Metric.Contains('/', StringComparison.Ordinal)))
        {
            IReadOnlyCollection<string> sets = [.. config.Data.ValidationSets?.Keys ?? []];
            IReadOnlyList<string> names = [.. sets.SelectMany(set => TaskCatalog.DefinitionOf(config).Scores.Select(score => $"{set}/{score.Name}"))];
            if (names.Contains(metric))
                continue;
            string hint = NearestName.Of(metric, names) is { } nearest ? $"; did you mean '{nearest}'?" : ".";
            yield return Conflict(key, sets.Count == 0
                ? $"'{key}' names '{metric}', but 'data.validation_sets' has no sets."
                : $"'{key}' names '{metric}', but the validation sets are {string.Join(", ", sets)}, each with scores as f1 and iou{hint}");
        }
    }

    private static IEnumerable<(string Key, string Metric)> ScoresIn(TrainingConfig config) =>
        [("trainer.best_metric", config.Trainer.BestMetric), .. (config.Selection.Metrics ?? []).Select(metric => ("selection.metrics", metric))];
}
