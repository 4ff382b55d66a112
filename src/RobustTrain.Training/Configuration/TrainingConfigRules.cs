using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Platform;

namespace RobustTrain.Training.Configuration;

/// <summary>What keys demand of each other, as far as the configuration alone can tell.</summary>
internal static class TrainingConfigRules
{
    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config) =>
        [.. Seeds(config), .. Criterion(config), .. Channels(config), .. Data(config.Data), .. ValidationSets(config.Data), .. Metrics(config)];

    private static IEnumerable<ValidationResult> Seeds(TrainingConfig config)
    {
        if (config.EpochSeeds is { } seeds && seeds.Count < config.Trainer.Epochs)
            yield return Conflict("epoch_seeds", $"'epoch_seeds' has {seeds.Count} seeds, but 'trainer.epochs' is {config.Trainer.Epochs}.");
    }

    private static IEnumerable<ValidationResult> Criterion(TrainingConfig config)
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
        if (criterion.IgnoreIndex < config.Model.Classes)
        {
            yield return Conflict(
                "criterion.ignore_index",
                $"'criterion.ignore_index' is {criterion.IgnoreIndex}, which is one of the {config.Model.Classes} classes, but must be a value that no class has.");
        }
    }

    private static IEnumerable<ValidationResult> Channels(TrainingConfig config)
    {
        (string Key, IReadOnlyList<double> Values)[] perChannel = [("data.mean", config.Data.Mean), ("data.std", config.Data.Std)];
        foreach ((string key, IReadOnlyList<double> values) in perChannel.Where(item => item.Values.Count != config.Model.InChannels))
            yield return Conflict(key, $"'{key}' has {values.Count} values, but 'model.in_channels' is {config.Model.InChannels}.");
        if (config.Data.Std.Any(value => !(value > 0)))
            yield return Conflict("data.std", $"'data.std' is {ConfigurationWriter.Quote(config.Data.Std)}, but each value must be above 0.");
    }

    private static IEnumerable<ValidationResult> ValidationSets(DataConfig data)
    {
        const string key = "data.validation_sets";
        if (data.ValidationSets is not { } sets)
            yield break;
        if (sets.Count == 0)
            yield return Conflict(key, $"'{key}' has no sets; null makes none.");
        foreach (string name in sets.Where(set => set.Value.Count == 0).Select(set => set.Key))
            yield return Conflict(key, $"'{key}.{name}' is empty, but must list the set's {(data.Dataset == "air-change" ? "scenes" : "list files")}.");
        foreach (IGrouping<string, string> twice in sets.SelectMany(set => set.Value).GroupBy(item => item, StringComparer.OrdinalIgnoreCase).Where(items => items.Count() > 1))
            yield return Conflict(key, $"'{key}' lists '{twice.Key}' more than once, but a sample counts in one set.");
        if (data.Lists.Val is not null)
            yield return Conflict("data.lists.val", $"'data.lists.val' is given beside '{key}'; a validation split comes from one of them.");
    }

    private static IEnumerable<ValidationResult> Metrics(TrainingConfig config)
    {
        IEnumerable<(string Key, string Metric)> metrics =
            [("trainer.best_metric", config.Trainer.BestMetric), .. (config.Selection.Metrics ?? []).Select(metric => ("selection.metrics", metric))];
        foreach ((string key, string metric) in metrics.Where(item => item.Metric.Contains('/', StringComparison.Ordinal)))
        {
            IReadOnlyCollection<string> sets = [.. config.Data.ValidationSets?.Keys ?? []];
            IReadOnlyList<string> names = [.. sets.SelectMany(set => ConfigurationSchema<TrainingConfig>.Find("trainer.best_metric")!.AllowedValues!.Select(name => $"{set}/{name}"))];
            if (names.Contains(metric))
                continue;
            string hint = NearestName.Of(metric, names) is { } nearest ? $"; did you mean '{nearest}'?" : ".";
            yield return Conflict(key, sets.Count == 0
                ? $"'{key}' names '{metric}', but 'data.validation_sets' has no sets."
                : $"'{key}' names '{metric}', but the validation sets are {string.Join(", ", sets)}, each with scores as f1 and iou{hint}");
        }
    }

    private static IEnumerable<ValidationResult> Data(DataConfig data)
    {
        if (data.Dataset == "air-change" && data.CropSize is null)
            yield return Conflict("data.crop_size", "'data.crop_size' is null, but air-change trains on crops and needs their side in pixels.");
        if (data.CropSize is null && data.ChangedCropShare > 0)
            yield return Conflict("data.changed_crop_share", "'data.changed_crop_share' is given, but 'data.crop_size' is null, so there are no crops to choose.");
        if (data.Dataset != "air-change" && data.SampleSize is not null)
            yield return Conflict("data.sample_size", $"'data.sample_size' is given, but {data.Dataset} resizes by 'data.augmentation.resize', before it crops.");
    }

    private static ValidationResult Conflict(string key, string message) => new(message, [key]);
}
