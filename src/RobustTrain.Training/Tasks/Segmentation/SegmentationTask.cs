using System.ComponentModel.DataAnnotations;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.ImagesLabels;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ClassLabels;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;
using RobustTrain.Training.Tasks.ImageNetworks;
using RobustTrain.Training.Tasks.Segmentation.Models;
using static RobustTrain.Training.Configuration.TrainingConfigRules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.Segmentation;

/// <summary>Segmentation: images, N x C x H x W (float32), and a label of each pixel's class, N x H x W.</summary>
/// <param name="config">The configuration.</param>
internal sealed class SegmentationTask(TrainingConfig config) : ClassMapTask<ImageModel>(config, ModelCatalog.Networks)
{
    private const string Image = "image";

    private static readonly Dictionary<string, Func<TrainingConfig, DatasetSplit, SampleView, ImageCache?, ImagesLabelsDataset>> s_datasets = new(StringComparer.Ordinal)
    {
        ["images-labels"] = (config, split, view, cache) => new(LabelledImagesSettings.Complete(new ImagesLabelsOptions { Path = config.Data.Path, Split = split }, config, view, cache)),
    };

    /// <summary>What the catalogue knows of it.</summary>
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "segmentation",
        Models = [.. ModelCatalog.Networks.Names],
        NetworkOf = ModelCatalog.Networks.Find,
        Datasets = s_datasets.Keys,
        Criteria = CriterionCatalog.Names,
        Scores = SegmentationScores.Definitions,
        Presets = ["data.dataset=images-labels", "model.name=unet", "model.base_channels=64", "trainer.best_metric=mean_iou"],
        Rules = Check,
        Create = config => new SegmentationTask(config),
    };

    /// <inheritdoc/>
    public override IReadOnlyList<SampleField> Fields { get; } = [new(Image, 3, "the images"), new(Label, 2)];

    /// <inheritdoc/>
    public override IDataset Open(DatasetSplit split, SampleView view)
    {
        SplitFields.CheckNormalization(Config.Data);
        return s_datasets[Config.Data.Dataset](Config, split, view, Cache.Value);
    }

    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch) => ((ImageModel)model).call(batch[Image]);

    /// <inheritdoc/>
    public override ImageBuffer? DrawSummary(AggregatedScores scores) => ConfusionPicture.Draw(scores, Config.Model);

    /// <inheritdoc/>
    protected override IReadOnlySet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts)
    {
        using ImagesLabelsDataset part = new(((ImagesLabelsDataset)validation).Options with { ValLists = parts });
        return Enumerable.Range(0, part.Count).Select(part.NameOf).ToHashSet();
    }

    /// <inheritdoc/>
    protected override string DescribeNetwork(nn.Module model, OnnxGraph graph, IReadOnlyList<string> images) => ((ImageModel)model).Describe(graph, images[0]);

    private static IEnumerable<ValidationResult> Check(TrainingConfig config) =>
    [
        .. ClassWeights(config), .. LabelMaps(config), .. Channels(config), .. Crops(config.Data), .. ValidationSets(config.Data, "list files"),
        .. ImageNetworkRules.Check(config),
        .. config.Data.SampleSize is null ? [] : (IEnumerable<ValidationResult>)
            [Conflict("data.sample_size", $"'data.sample_size' is given, but {config.Data.Dataset} resizes by 'data.augmentation.resize', before it crops.")],
    ];
}
