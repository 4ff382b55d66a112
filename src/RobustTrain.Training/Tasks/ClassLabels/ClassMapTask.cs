using System.Globalization;
using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ClassLabels.Losses;
using RobustTrain.Training.Tasks.ClassLabels.Metrics;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels;

/// <summary>What the tasks share whose network gives a class for each pixel of its images: logits N x K x H x W, and labels N x H x W.</summary>
/// <param name="config">The configuration.</param>
internal abstract class ClassMapTask(TrainingConfig config) : ITrainingTask
{
    /// <summary>The field of the labels.</summary>
    protected const string Label = "label";

    /// <inheritdoc/>
    public abstract IReadOnlyList<SampleField> Fields { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ScoreDefinition> Scores => SegmentationScores.Definitions;

    /// <inheritdoc/>
    public PredictionForm Prediction => new PredictionForm.ClassMap(config.Model.Classes);

    /// <inheritdoc/>
    public abstract int Stride { get; }

    /// <inheritdoc/>
    public abstract DataSplits OpenSplits();

    /// <inheritdoc/>
    public abstract IDataset Open(DatasetSplit split, SampleView view);

    /// <inheritdoc/>
    public IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => ValidationSetList.Of(config.Data, parts => NamesIn(validation, parts));

    /// <inheritdoc/>
    public void CheckSplit(DatasetSplit split, IDataset dataset)
    {
        SplitFields.Check(Fields, split, dataset);
        SplitFields.CheckChannels(Fields, split, dataset, config.Model);
    }

    /// <inheritdoc/>
    public void CheckNetwork(IDataset dataset)
    {
        IReadOnlyList<int> image = SplitFields.ImageShape(Fields, dataset);
        CheckImageSize(image[1], image[2]);
    }

    /// <inheritdoc/>
    public abstract nn.Module CreateModel(long seed);

    /// <inheritdoc/>
    public abstract Tensor Forward(nn.Module model, BatchTensors batch);

    /// <inheritdoc/>
    public abstract (int Height, int Width) PaddedSize(int height, int width);

    /// <inheritdoc/>
    public Tensor Predict(Tensor output) => nn.functional.softmax(output, 1);

    /// <inheritdoc/>
    public void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape)
    {
        string[] images = [.. Fields.Where(field => field.Input is not null).Select(field => graph.Input(field.Name, shape))];
        graph.Output("logits", DescribeNetwork(model, graph, images), [shape[0], config.Model.Classes.ToString(CultureInfo.InvariantCulture), shape[2], shape[3]]);
    }

    /// <inheritdoc/>
    public ILossSetup CreateLossSetup() => new CriterionSetup(config, Label);

    /// <inheritdoc/>
    public IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) =>
        SampleConfusion.Count(output, batch[Label], names, config.Model.Classes, config.Criterion.IgnoreIndex);

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch) =>
        new SamplePictures(config).Draw([.. Fields.Where(field => field.Input is not null).Select(field => batch[field.Name])], batch[Label], output);

    /// <inheritdoc/>
    public AggregatedScores Aggregate(IEnumerable<SampleResult> samples)
    {
        ConfusionMatrix total = new(config.Model.Classes);
        foreach (SampleConfusion sample in samples.Cast<SampleConfusion>())
            total.Add(sample.Confusion);
        SegmentationScores scores = SegmentationScores.Of(total);
        return new AggregatedScores(scores.Named(), [.. scores.Classes.Select(one => one.Named())], total.Counts);
    }

    /// <inheritdoc/>
    public virtual ImageBuffer? DrawSummary(AggregatedScores scores) => null;

    /// <summary>The names of the samples in a validation set's parts.</summary>
    /// <exception cref="DatasetException">A part names what is not there.</exception>
    protected abstract IReadOnlySet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts);

    /// <summary>Checks that the network takes images of a size.</summary>
    /// <exception cref="RunException">It doesn't.</exception>
    protected abstract void CheckImageSize(int height, int width);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <returns>The value of the logits.</returns>
    protected abstract string DescribeNetwork(nn.Module model, OnnxGraph graph, IReadOnlyList<string> images);
}
