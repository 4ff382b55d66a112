using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Datasets.ChangePairs;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Tasks.ClassLabels;

namespace RobustTrain.Training.Tasks.ChangeDetection;

/// <summary>The datasets that a configuration can name.</summary>
internal static class DatasetCatalog
{
    private static readonly Dictionary<string, Opener> s_openers = new(StringComparer.Ordinal)
    {
        ["air-change"] = OpenAirChange,
        ["change-pairs"] = OpenChangePairs,
    };

    /// <summary>The names that <c>data.dataset</c> can have.</summary>
    public static IReadOnlyCollection<string> Names => s_openers.Keys;

    private delegate IChangeDataset Opener(TrainingConfig config, DatasetSplit split, SampleView view, SceneCache scenes, Lazy<ImageCache?> images);

    /// <summary>Opens a split.</summary>
    /// <param name="config">Which dataset, and how its samples are made.</param>
    /// <param name="split">The split.</param>
    /// <param name="view">How its samples are looked at.</param>
    /// <param name="scenes">The scenes of air-change that other splits have decoded.</param>
    /// <param name="images">The images of others that are kept; null keeps none.</param>
    /// <exception cref="DatasetException">The folder is not the dataset that the configuration says.</exception>
    /// <exception cref="RunException">A key doesn't fit the dataset.</exception>
    public static IChangeDataset Open(TrainingConfig config, DatasetSplit split, SampleView view, SceneCache scenes, Lazy<ImageCache?> images)
    {
        SplitFields.CheckNormalization(config.Data);
        return s_openers.TryGetValue(config.Data.Dataset, out Opener? open)
            ? open(config, split, view, scenes, images)
            : throw new RunException(
                ExitCode.Configuration, "DatasetUnknown",
                $"data.dataset is '{config.Data.Dataset}', but must be {string.Join(" or ", s_openers.Keys)}.", "data.dataset");
    }

    /// <summary>The names of the samples in a validation set's parts.</summary>
    /// <exception cref="DatasetException">A list file is missing or names a pair that is not there.</exception>
    public static IReadOnlySet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts)
    {
        switch (validation)
        {
            case AirChangeDataset scenes:
                HashSet<string> wanted = new(parts.Select(part => part.Replace('\\', '/')), StringComparer.OrdinalIgnoreCase);
                return Enumerable.Range(0, scenes.Count).Where(index => wanted.Contains(scenes.SceneOf(index))).Select(scenes.NameOf).ToHashSet();
            case ChangePairsDataset pairs:
                using (ChangePairsDataset part = new(pairs.Options with { ValLists = parts }))
                    return Enumerable.Range(0, part.Count).Select(part.NameOf).ToHashSet();
            default:
                throw new ArgumentException($"A {validation.GetType().Name} has no validation sets.", nameof(validation));
        }
    }

    private static ChangePairsDataset OpenChangePairs(TrainingConfig config, DatasetSplit split, SampleView view, SceneCache scenes, Lazy<ImageCache?> images) =>
        new(LabelledImagesSettings.Complete(new ChangePairsOptions { Path = config.Data.Path, Split = split }, config, view, images.Value));

    private static AirChangeDataset OpenAirChange(TrainingConfig config, DatasetSplit split, SampleView view, SceneCache scenes, Lazy<ImageCache?> images)
    {
        DataConfig data = config.Data;
        int cropSize = data.CropSize!.Value;
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
                    LabelIndices = LabelledImagesSettings.TakesIndices(data),
                    ConvertsImages = data.ConvertImages,
                    Augmentation = LabelledImagesSettings.AugmentationOf(data, view),
                    Mean = data.Mean,
                    Std = data.Std,
                },
                scenes);
        }
        catch (ArgumentOutOfRangeException tooLarge)
        {
            throw new RunException(
                ExitCode.Configuration, "CropSizeTooLarge",
                $"data.crop_size is {cropSize}, which doesn't fit into the training area of air-change's scenes.", "data.crop_size", tooLarge);
        }
    }
}
