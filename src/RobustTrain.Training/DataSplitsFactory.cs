using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training;

/// <summary>Opens the data sets that a configuration names.</summary>
internal static class DataSplitsFactory
{
    /// <summary>Opens all splits.</summary>
    /// <exception cref="DatasetException">The folder is not the data set that the configuration says.</exception>
    /// <exception cref="RunException">A key doesn't fit the data set.</exception>
    public static DataSplits Open(TrainingConfig config)
    {
        // One cache for all splits: they lie in the same scenes.
        var cache = new SceneCache();
        IChangeDataset validation = Open(config, DatasetSplit.Val, cache, augmented: false);
        return new DataSplits(
            Open(config, DatasetSplit.Train, cache, augmented: true),
            validation,
            Open(config, DatasetSplit.Test, cache, augmented: false))
        {
            ValidationSets = ValidationSet.Of(config, validation),
        };
    }

    /// <summary>Opens one split as evaluation sees it, without augmentation.</summary>
    /// <inheritdoc cref="Open(TrainingConfig)"/>
    public static IChangeDataset Open(TrainingConfig config, DatasetSplit split) => Open(config, split, new SceneCache(), augmented: false);

    /// <summary>Opens one split as training sees it: the training split with its augmentation.</summary>
    /// <inheritdoc cref="Open(TrainingConfig)"/>
    public static IDataset OpenAsTrained(TrainingConfig config, DatasetSplit split) => Open(config, split, new SceneCache(), augmented: split == DatasetSplit.Train);

    private static IChangeDataset Open(TrainingConfig config, DatasetSplit split, SceneCache cache, bool augmented)
    {
        DataConfig data = config.Data;
        AugmentationOptions augmentation = Augmentation(data.Augmentation, augmented);
        CheckNormalization(data);
        return data.Dataset switch
        {
            "air-change" => OpenAirChange(data, split, augmentation, cache),
            "change-pairs" => new ChangePairsDataset(new ChangePairsOptions
            {
                Path = data.Path,
                Split = split,
                TrainList = data.Lists.Train,
                ValList = data.Lists.Val,
                ValLists = data.ValidationSets?.Values.SelectMany(lists => lists).ToArray(),
                TestList = data.Lists.Test,
                CropSize = data.CropSize,
                ChangedCropShare = data.ChangedCropShare,
                Classes = config.Model.Classes,
                IgnoreIndex = config.Criterion.IgnoreIndex,
                LabelIndices = TakesIndices(data),
                ConvertsImages = data.ConvertImages,
                Augmentation = augmentation,
                Mean = data.Mean,
                Std = data.Std,
            }),
            _ => throw new RunException(
                ExitCode.Configuration, "DatasetUnknown",
                $"data.dataset is '{data.Dataset}', but must be air-change or change-pairs.", "data.dataset"),
        };
    }

    private static AirChangeDataset OpenAirChange(DataConfig data, DatasetSplit split, AugmentationOptions augmentation, SceneCache cache)
    {
        if (data.CropSize is not int cropSize)
            throw new RunException(ExitCode.Configuration, "CropSizeMissing", "data.crop_size is null, but air-change is trained on crops; 112 is its usual size.", "data.crop_size");
        try
        {
            return new AirChangeDataset(
                new AirChangeOptions
                {
                    Path = data.Path,
                    Split = split,
                    ValidationScenes = data.ValidationSets?.Values.SelectMany(scenes => scenes).ToArray() ?? data.ValidationScenes,
                    CropSize = cropSize,
                    ChangedCropShare = data.ChangedCropShare,
                    SampleSize = data.SampleSize,
                    LabelIndices = TakesIndices(data),
                    ConvertsImages = data.ConvertImages,
                    Augmentation = augmentation,
                    Mean = data.Mean,
                    Std = data.Std,
                },
                cache);
        }
        catch (ArgumentOutOfRangeException tooLarge)
        {
            throw new RunException(
                ExitCode.Configuration, "CropSizeTooLarge",
                $"data.crop_size is {cropSize}, which doesn't fit into the training area of air-change's scenes.", "data.crop_size", tooLarge);
        }
    }

    private static bool TakesIndices(DataConfig data) => data.LabelPalette == "indices";

    private static void CheckNormalization(DataConfig data)
    {
        if (data.Mean.Count != data.Std.Count || data.Mean.Count is not (1 or 3))
        {
            throw new RunException(
                ExitCode.Configuration, "NormalizationChannels",
                $"data.mean has {data.Mean.Count} values and data.std {data.Std.Count}, but both must have one for each channel, 1 or 3.", "data.mean");
        }

        if (data.Std.FirstOrDefault(deviation => !(deviation > 0), 1) is double wrong and not 1)
            throw new RunException(ExitCode.Configuration, "NormalizationDeviation", FormattableString.Invariant($"data.std holds {wrong}, but a standard deviation must be above 0."), "data.std");
    }

    private static AugmentationOptions Augmentation(AugmentationConfig config, bool augmented)
    {
        AugmentationOptions resizeOnly = new() { Resize = config.Resize is [int height, int width] ? (width, height) : null };
        return !augmented ? resizeOnly : resizeOnly with
        {
            Rotate = config.Rotate,
            HorizontalFlip = config.HorizontalFlip,
            VerticalFlip = config.VerticalFlip,
            ColorProbability = config.ColorProbability,
            Brightness = config.Brightness,
            Contrast = config.Contrast,
            Saturation = config.Saturation,
            Hue = config.Hue,
        };
    }
}
