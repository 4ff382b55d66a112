using System.ComponentModel.DataAnnotations;
using RobustTrain.Training.Configuration;
using static RobustTrain.Training.Configuration.TrainingConfigRules;

namespace RobustTrain.Training.Tasks.ChangeDetection;

/// <summary>What keys demand of each other in change detection.</summary>
internal static class ChangeDetectionRules
{
    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config) =>
        [.. Classes(config), .. Channels(config), .. Data(config.Data), .. ValidationSets(config.Data)];

    private static IEnumerable<ValidationResult> Data(DataConfig data)
    {
        if (data.Dataset == "air-change" && data.CropSize is null)
            yield return Conflict("data.crop_size", "'data.crop_size' is null, but air-change trains on crops and needs their side in pixels.");
        if (data.CropSize is null && data.ChangedCropShare > 0)
            yield return Conflict("data.changed_crop_share", "'data.changed_crop_share' is given, but 'data.crop_size' is null, so there are no crops to choose.");
        if (data.Dataset != "air-change" && data.SampleSize is not null)
            yield return Conflict("data.sample_size", $"'data.sample_size' is given, but {data.Dataset} resizes by 'data.augmentation.resize', before it crops.");
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
}
