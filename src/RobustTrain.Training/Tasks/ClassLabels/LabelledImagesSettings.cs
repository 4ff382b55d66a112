using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets.LabelledImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.ClassLabels;

/// <summary>How a configuration has images with class maps loaded.</summary>
internal static class LabelledImagesSettings
{
    /// <summary>The augmentation of a view: all of it where training looks, else the resizing alone.</summary>
    public static AugmentationOptions AugmentationOf(DataConfig data, SampleView view) =>
        view == SampleView.Augmented ? data.Augmentation : new AugmentationOptions { Resize = data.Augmentation.Resize };

    /// <summary>Whether the classes of a label with a palette are its indices.</summary>
    public static bool TakesIndices(DataConfig data) => data.LabelPalette == "indices";

    /// <summary>A dataset's options with all that the configuration says.</summary>
    /// <param name="options">The dataset's own, with its path and split.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="view">How its samples are looked at.</param>
    /// <param name="cache">Keeps decoded images; null for none.</param>
    public static T Complete<T>(T options, TrainingConfig config, SampleView view, ImageCache? cache)
        where T : LabelledImagesOptions
    {
        DataConfig data = config.Data;
        LabelledImagesOptions bare = options;
        return (T)(bare with
        {
            TrainList = data.Lists.Train,
            ValList = data.Lists.Val,
            ValLists = data.ValidationSets?.Values.SelectMany(lists => lists).ToArray(),
            TestList = data.Lists.Test,
            CropSize = view == SampleView.Whole ? null : data.CropSize,
            ChangedCropShare = data.ChangedCropShare,
            Classes = config.Model.Classes,
            IgnoreIndex = config.Criterion.IgnoreIndex,
            LabelIndices = TakesIndices(data),
            ConvertsImages = data.ConvertImages,
            Cache = cache,
            Augmentation = AugmentationOf(data, view),
            Mean = data.Mean,
            Std = data.Std,
        });
    }
}
