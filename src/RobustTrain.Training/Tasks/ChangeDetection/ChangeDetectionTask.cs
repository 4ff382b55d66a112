using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using RobustTrain.Training.Tasks.ClassLabels;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection;

/// <summary>
/// Change detection: two images of one place, N x C x H x W (float32), and a label of what changed between them, N x H x W.
/// </summary>
/// <param name="config">The configuration.</param>
internal sealed class ChangeDetectionTask(TrainingConfig config) : ClassMapTask<ChangeDetectionModel>(config, ModelCatalog.Networks)
{
    private const string Image1 = "image1";
    private const string Image2 = "image2";

    // One for all splits: they lie in the same scenes.
    private readonly SceneCache _scenes = new();

    /// <summary>What the catalogue knows of it.</summary>
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "change-detection",
        Models = [.. ModelCatalog.Networks.Names],
        NetworkOf = ModelCatalog.Networks.Find,
        Datasets = DatasetCatalog.Names,
        Criteria = CriterionCatalog.Names,
        Scores = SegmentationScores.Definitions,
        Rules = ChangeDetectionRules.Check,
        Create = config => new ChangeDetectionTask(config),
    };

    /// <summary>The fields of a sample.</summary>
    public static IReadOnlyList<SampleField> SampleFields { get; } =
        [new(Image1, 3, "the first images"), new(Image2, 3, "the second images"), new(Label, 2)];

    /// <inheritdoc/>
    public override IReadOnlyList<SampleField> Fields => SampleFields;

    /// <inheritdoc/>
    public override IDataset Open(DatasetSplit split, SampleView view) => DatasetCatalog.Open(Config, split, view, _scenes, Cache);

    /// <inheritdoc/>
    public override Tensor Forward(nn.Module model, BatchTensors batch) => ((ChangeDetectionModel)model).call(batch[Image1], batch[Image2]);

    /// <inheritdoc/>
    protected override IReadOnlySet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts) => DatasetCatalog.NamesIn(validation, parts);

    /// <inheritdoc/>
    protected override string DescribeNetwork(nn.Module model, OnnxGraph graph, IReadOnlyList<string> images) =>
        ((ChangeDetectionModel)model).Describe(graph, images[0], images[1]);
}
