using System.ComponentModel.DataAnnotations;
using RobustTrain.Training.Configuration;
using static RobustTrain.Training.Configuration.TrainingConfigRules;

namespace RobustTrain.Training.Tasks.ChangeDetection;

/// <summary>What keys demand of each other in change detection.</summary>
internal static class ChangeDetectionRules
{
    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config) =>
        [.. ClassWeights(config), .. LabelMaps(config), .. Channels(config), .. Data(config.Data), .. ValidationSets(config.Data, config.Data.Dataset == "air-change" ? "scenes" : "list files")];

    private static IEnumerable<ValidationResult> Data(DataConfig data)
    {
        if (data.Dataset == "air-change" && data.CropSize is null)
            yield return Conflict("data.crop_size", "'data.crop_size' is null, but air-change trains on crops and needs their side in pixels.");
        if (data.Dataset == "air-change" && data.Cache.IsUsed)
            yield return Conflict("data.cache", "'data.cache' is given, but air-change keeps its twelve scenes in memory by itself.");
        foreach (ValidationResult conflict in Crops(data))
            yield return conflict;
        if (data.Dataset != "air-change" && data.SampleSize is not null)
            yield return Conflict("data.sample_size", $"'data.sample_size' is given, but {data.Dataset} resizes by 'data.augmentation.resize', before it crops.");
    }
}
