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
/// <param name="networks">The networks.</param>
internal abstract class ClassMapTask<T>(TrainingConfig config, NetworkCatalog<T> networks) : CatalogTask<T>(config, networks)
    where T : nn.Module
{
    /// <summary>The field of the labels.</summary>
    protected const string Label = "label";

    /// <inheritdoc/>
    public override IReadOnlyList<ScoreDefinition> Scores => SegmentationScores.Definitions;

    /// <inheritdoc/>
    public override PredictionForm Prediction => new PredictionForm.ClassMap(Config.Model.Classes);

    /// <inheritdoc/>
    public override IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => ValidationSetList.Of(Config.Data, parts => NamesIn(validation, parts));

    /// <inheritdoc/>
    public override Tensor Predict(Tensor output) => nn.functional.softmax(output, 1);

    /// <inheritdoc/>
    public override void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape)
    {
        string[] images = [.. Fields.Where(field => field.Input is not null).Select(field => graph.Input(field.Name, shape))];
        graph.Output("logits", DescribeNetwork(model, graph, images), [shape[0], Config.Model.Classes.ToString(CultureInfo.InvariantCulture), shape[2], shape[3]]);
    }

    /// <inheritdoc/>
    public override ILossSetup CreateLossSetup() => new CriterionSetup(Config, Label);

    /// <inheritdoc/>
    public override IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) =>
        SampleConfusion.Count(output, batch[Label], names, Config.Model.Classes, Config.Criterion.IgnoreIndex);

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch) =>
        new SamplePictures(Config).Draw([.. Fields.Where(field => field.Input is not null).Select(field => batch[field.Name])], batch[Label], output);

    /// <inheritdoc/>
    public override AggregatedScores Aggregate(IEnumerable<SampleResult> samples)
    {
        ConfusionMatrix total = new(Config.Model.Classes);
        foreach (SampleConfusion sample in samples.Cast<SampleConfusion>())
            total.Add(sample.Confusion);
        SegmentationScores scores = SegmentationScores.Of(total);
        return new AggregatedScores(scores.Named(), [.. scores.Classes.Select(one => one.Named())], total.Counts);
    }

    /// <summary>The names of the samples in a validation set's parts.</summary>
    /// <exception cref="DatasetException">A part names what is not there.</exception>
    protected abstract IReadOnlySet<string> NamesIn(IDataset validation, IReadOnlyList<string> parts);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <returns>The value of the logits.</returns>
    protected abstract string DescribeNetwork(nn.Module model, OnnxGraph graph, IReadOnlyList<string> images);
}
