using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Onnx;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>A task that is another one but for what is overridden.</summary>
/// <param name="inner">The other one.</param>
public abstract class DelegatingTask(ITrainingTask inner) : ITrainingTask
{
    /// <inheritdoc/>
    public IReadOnlyList<SampleField> Fields => inner.Fields;

    /// <inheritdoc/>
    public virtual IReadOnlyList<ScoreDefinition> Scores => inner.Scores;

    /// <inheritdoc/>
    public PredictionForm Prediction => inner.Prediction;

    /// <inheritdoc/>
    public virtual int Stride => inner.Stride;

    /// <inheritdoc/>
    public virtual DataSplits OpenSplits() => inner.OpenSplits();

    /// <inheritdoc/>
    public virtual IDataset Open(DatasetSplit split, SampleView view) => inner.Open(split, view);

    /// <inheritdoc/>
    public virtual IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => inner.ValidationSetsOf(validation);

    /// <inheritdoc/>
    public virtual void CheckSplit(DatasetSplit split, IDataset dataset) => inner.CheckSplit(split, dataset);

    /// <inheritdoc/>
    public virtual void CheckNetwork(IDataset dataset) => inner.CheckNetwork(dataset);

    /// <inheritdoc/>
    public virtual nn.Module CreateModel(long seed) => inner.CreateModel(seed);

    /// <inheritdoc/>
    public virtual Tensor Forward(nn.Module model, BatchTensors batch) => inner.Forward(model, batch);

    /// <inheritdoc/>
    public virtual (int Height, int Width) PaddedSize(int height, int width) => inner.PaddedSize(height, width);

    /// <inheritdoc/>
    public int? ImageSide => inner.ImageSide;

    /// <inheritdoc/>
    public Tensor Predict(Tensor output) => inner.Predict(output);

    /// <inheritdoc/>
    public virtual void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape) => inner.Describe(model, graph, shape);

    /// <inheritdoc/>
    public virtual ILossSetup CreateLossSetup() => inner.CreateLossSetup();

    /// <inheritdoc/>
    public virtual IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) => inner.Score(output, batch, names);

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch) => inner.Draw(output, batch);

    /// <inheritdoc/>
    public PicturePlace PlaceOf(string sample) => inner.PlaceOf(sample);

    /// <inheritdoc/>
    public ImageBuffer? DrawSummary(AggregatedScores scores) => inner.DrawSummary(scores);

    /// <inheritdoc/>
    public virtual AggregatedScores Aggregate(IEnumerable<SampleResult> samples) => inner.Aggregate(samples);
}
