using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.PairedImages;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Training.Tasks.SuperResolution;

/// <summary>The datasets that a configuration can name.</summary>
internal static class DatasetCatalog
{
    private static readonly Dictionary<string, Func<TrainingConfig, DatasetSplit, SampleView, ImageCache?, IDataset>> s_openers = new(StringComparer.Ordinal)
    {
        ["paired-images"] = OpenPairedImages,
    };

    /// <summary>The names that <c>data.dataset</c> can have.</summary>
    public static IReadOnlyCollection<string> Names => s_openers.Keys;

    /// <summary>Opens a split.</summary>
    /// <param name="config">Which dataset, and how its samples are made.</param>
    /// <param name="split">The split.</param>
    /// <param name="view">How its samples are looked at.</param>
    /// <param name="cache">Keeps decoded images; null for none.</param>
    /// <exception cref="DatasetException">The folder is not the dataset that the configuration says.</exception>
    /// <exception cref="RunException">There is no such dataset.</exception>
    public static IDataset Open(TrainingConfig config, DatasetSplit split, SampleView view, ImageCache? cache) =>
        s_openers.TryGetValue(config.Data.Dataset, out Func<TrainingConfig, DatasetSplit, SampleView, ImageCache?, IDataset>? open)
            ? open(config, split, view, cache)
            : throw new RunException(
                ExitCode.Configuration, "DatasetUnknown",
                $"data.dataset is '{config.Data.Dataset}', but must be {string.Join(" or ", s_openers.Keys)}.", "data.dataset");

    private static PairedImagesDataset OpenPairedImages(TrainingConfig config, DatasetSplit split, SampleView view, ImageCache? cache)
    {
        DataConfig data = config.Data;
        return new PairedImagesDataset(new PairedImagesOptions
        {
            Path = data.Path,
            Split = split,
            Scale = config.Model.Scale,
            GtFolders = BySplit(data.GtFolders.Train, data.GtFolders.Val, data.GtFolders.Test),
            LqFolders = BySplit(data.LqFolders.Train, data.LqFolders.Val, data.LqFolders.Test),
            Lists = BySplit(data.Lists.Train, data.Lists.Val, data.Lists.Test),
            FilenameTmpl = data.FilenameTmpl,
            CropSize = view == SampleView.Whole ? null : data.CropSize,
            TileSize = data.TileSize,
            Channels = config.Model.InChannels,
            Degradation = data.Degradation,
            SharpensGt = view == SampleView.Augmented && data.GtUsm,
            ConvertsImages = data.ConvertImages,
            Cache = cache,
            Augmentation = view == SampleView.Augmented ? data.Augmentation : AugmentationOptions.None,
        });
    }

    private static Dictionary<DatasetSplit, string> BySplit(string? train, string? val, string? test) =>
        new (DatasetSplit Split, string? Value)[] { (DatasetSplit.Train, train), (DatasetSplit.Val, val), (DatasetSplit.Test, test) }
            .Where(item => item.Value is not null).ToDictionary(item => item.Split, item => item.Value!);
}
