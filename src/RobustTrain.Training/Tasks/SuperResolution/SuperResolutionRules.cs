using System.ComponentModel.DataAnnotations;
using RobustTrain.Configuration;
using RobustTrain.Data.Augmentation;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.SuperResolution.Losses;
using static RobustTrain.Training.Configuration.TrainingConfigRules;

namespace RobustTrain.Training.Tasks.SuperResolution;

/// <summary>What keys demand of each other in super-resolution.</summary>
internal static class SuperResolutionRules
{
    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config) => [.. Channels(config), .. Pixels(config), .. Sizes(config), .. Data(config.Data), .. CriterionCatalog.FindConflicts(config)];

    private static IEnumerable<ValidationResult> Pixels(TrainingConfig config)
    {
        if (config.Model.InChannels is not (1 or 3))
            yield return Conflict("model.in_channels", $"'model.in_channels' is {config.Model.InChannels}, but images have 3 channels or, grey, 1.");
        if (config.Data.Mean.Any(value => value != 0))
            yield return Conflict("data.mean", $"'data.mean' is {ConfigurationWriter.Quote(config.Data.Mean)}, but super-resolution takes pixels of 0 to 1 as they are: each value must be 0.");
        if (config.Data.Std.Any(value => value != 1))
            yield return Conflict("data.std", $"'data.std' is {ConfigurationWriter.Quote(config.Data.Std)}, but super-resolution takes pixels of 0 to 1 as they are: each value must be 1.");
        AugmentationOptions augmentation = config.Data.Augmentation;
        (string Key, bool IsGiven)[] others =
        [
            ("brightness", augmentation.Brightness > 0), ("contrast", augmentation.Contrast > 0), ("saturation", augmentation.Saturation > 0),
            ("hue", augmentation.Hue > 0), ("resize", augmentation.Resize is not null),
        ];
        foreach ((string key, _) in others.Where(other => other.IsGiven))
            yield return Conflict($"data.augmentation.{key}", $"'data.augmentation.{key}' is given, but super-resolution only flips and rotates: both images of a pair have to stay one.");
    }

    private static IEnumerable<ValidationResult> Sizes(TrainingConfig config)
    {
        int scale = config.Model.Scale;
        (string Key, int? Side)[] sides = [("data.crop_size", config.Data.CropSize), ("data.tile_size", config.Data.TileSize)];
        foreach ((string key, int? side) in sides.Where(size => size.Side % scale > 0))
            yield return Conflict(key, $"'{key}' is {side}, but 'model.scale' is {scale}, by which it must divide.");
    }

    private static IEnumerable<ValidationResult> Data(DataConfig data)
    {
        if (data.ValidationSets is not null)
            yield return Conflict("data.validation_sets", "'data.validation_sets' is given, but super-resolution has one validation split.");
        if (data.ChangedCropShare > 0)
            yield return Conflict("data.changed_crop_share", "'data.changed_crop_share' is given, but in super-resolution nothing changes.");
        if (data.SampleSize is not null)
            yield return Conflict("data.sample_size", "'data.sample_size' is given, but super-resolution resizes no samples.");
        foreach ((string key, string problem) in data.Degradation.FindProblems())
            yield return Conflict($"data.degradation.{key}", $"'data.degradation.{key}' {problem}.");
        if (data.Degradation.JpegRange is not null && data.Degradation.Name != "bicubic")
            yield return Conflict("data.degradation.jpeg_range", $"'data.degradation.jpeg_range' is given, but 'data.degradation.name' is {data.Degradation.Name}; only bicubic takes it.");
    }
}
