using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Datasets.AirChange;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
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
internal sealed class ChangeDetectionTask(TrainingConfig config) : ITrainingTask
{
    private const string Image1 = "image1";
    private const string Image2 = "image2";
    private const string Label = "label";

    /// <summary>What the catalogue knows of it.</summary>
    public static TaskDefinition Definition { get; } = new()
    {
        Name = "change-detection",
        Models = [.. ModelCatalog.Names],
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
    public IReadOnlyList<SampleField> Fields => SampleFields;

    /// <inheritdoc/>
    public IReadOnlyList<ScoreDefinition> Scores => SegmentationScores.Definitions;

    /// <inheritdoc/>
    public DataSplits OpenSplits()
    {
        // One cache for all splits: they lie in the same scenes.
        SceneCache cache = new();
        IDataset validation = DatasetCatalog.Open(config, DatasetSplit.Val, SampleView.Plain, cache);
        return new DataSplits(
            DatasetCatalog.Open(config, DatasetSplit.Train, SampleView.Augmented, cache),
            validation,
            DatasetCatalog.Open(config, DatasetSplit.Test, SampleView.Plain, cache))
        {
            ValidationSets = ValidationSetsOf(validation),
        };
    }

    /// <inheritdoc/>
    public IDataset Open(DatasetSplit split, SampleView view) => DatasetCatalog.Open(config, split, view, new SceneCache());

    /// <inheritdoc/>
    public IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) =>
        [.. (config.Data.ValidationSets ?? new Dictionary<string, IReadOnlyList<string>>()).Select(set => new ValidationSet(set.Key, DatasetCatalog.NamesIn(validation, set.Value)))];

    /// <inheritdoc/>
    public void CheckSplit(DatasetSplit split, IDataset dataset)
    {
        string name = SplitNames.Of(split);
        foreach (SampleField field in Fields)
        {
            if (!dataset.Fields.Any(candidate => candidate.Name == field.Name && candidate.Shape.Count == field.Dimensions))
            {
                throw new RunException(
                    ExitCode.Configuration, "DatasetFieldMissing",
                    $"The {name} split has no field '{field.Name}' of {field.Dimensions} dimensions; it has {string.Join(", ", dataset.Fields.Select(known => known.Name))}.", field.Name);
            }
        }

        IReadOnlyList<int> image = dataset.Fields.First(field => field.Name == Image1).Shape;
        if (image[0] != config.Model.InChannels)
        {
            throw new RunException(
                ExitCode.Configuration, "ModelChannels",
                $"model.in_channels is {config.Model.InChannels}, but the images of the {name} split have {image[0]} channels.", "model.in_channels");
        }
    }

    /// <inheritdoc/>
    public void CheckNetwork(IDataset dataset)
    {
        IReadOnlyList<int> image = dataset.Fields.First(field => field.Name == Image1).Shape;
        ModelCatalog.CheckImageSize(config.Model, image[1], image[2]);
    }

    /// <inheritdoc/>
    public nn.Module CreateModel(long seed) => ModelCatalog.Create(config.Model, seed);

    /// <inheritdoc/>
    public Tensor Forward(nn.Module model, BatchTensors batch) => ((ChangeDetectionModel)model).call(batch[Image1], batch[Image2]);

    /// <inheritdoc/>
    public PredictionForm Prediction => new PredictionForm.ClassMap(config.Model.Classes);

    /// <inheritdoc/>
    public int Stride => ModelCatalog.StrideOf(config.Model);

    /// <inheritdoc/>
    public (int Height, int Width) PaddedSize(int height, int width) => ModelCatalog.PaddedSize(config.Model, height, width);

    /// <inheritdoc/>
    public Tensor Predict(Tensor output) => nn.functional.softmax(output, 1);

    /// <inheritdoc/>
    public void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape)
    {
        string logits = ((ChangeDetectionModel)model).Describe(graph, graph.Input(Image1, shape), graph.Input(Image2, shape));
        graph.Output("logits", logits, [shape[0], config.Model.Classes.ToString(CultureInfo.InvariantCulture), shape[2], shape[3]]);
    }

    /// <inheritdoc/>
    public ILossSetup CreateLossSetup() => new CriterionSetup(config, Label);

    /// <inheritdoc/>
    public IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) =>
        SampleConfusion.Count(output, batch[Label], names, config.Model.Classes, config.Criterion.IgnoreIndex);

    /// <inheritdoc/>
    public IReadOnlyList<ImageBuffer> Draw(Tensor output, BatchTensors batch) =>
        new SamplePictures(config).Draw([batch[Image1], batch[Image2]], batch[Label], output);

    /// <inheritdoc/>
    public AggregatedScores Aggregate(IEnumerable<SampleResult> samples)
    {
        ConfusionMatrix total = new(config.Model.Classes);
        foreach (SampleConfusion sample in samples.Cast<SampleConfusion>())
            total.Add(sample.Confusion);
        SegmentationScores scores = SegmentationScores.Of(total);
        return new AggregatedScores(scores.Named(), [.. scores.Classes.Select(one => one.Named())], total.Counts);
    }
}
