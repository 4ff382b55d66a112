using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>What the tasks share whose networks stand in a catalogue.</summary>
/// <param name="config">The configuration.</param>
/// <param name="networks">The networks.</param>
internal abstract class CatalogTask<T>(TrainingConfig config, NetworkCatalog<T> networks) : ITrainingTask
    where T : nn.Module
{
    /// <inheritdoc/>
    public abstract IReadOnlyList<SampleField> Fields { get; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<ScoreDefinition> Scores { get; }

    /// <inheritdoc/>
    public abstract PredictionForm Prediction { get; }

    /// <inheritdoc/>
    public int Stride => networks.StrideOf(config.Model);

    /// <inheritdoc/>
    public virtual int? ImageSide => null;

    /// <summary>The configuration.</summary>
    protected TrainingConfig Config => config;

    /// <summary>Keeps decoded images for all splits; null where none are kept.</summary>
    protected Lazy<ImageCache?> Cache { get; } = new(config.Data.Cache.Open);

    /// <inheritdoc/>
    public DataSplits OpenSplits()
    {
        IDataset validation = Open(DatasetSplit.Val, SampleView.Plain);
        return new DataSplits(Open(DatasetSplit.Train, SampleView.Augmented), validation, Open(DatasetSplit.Test, SampleView.Plain)) { ValidationSets = ValidationSetsOf(validation) };
    }

    /// <inheritdoc/>
    public abstract IDataset Open(DatasetSplit split, SampleView view);

    /// <inheritdoc/>
    public virtual IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => [];

    /// <inheritdoc/>
    public virtual void CheckSplit(DatasetSplit split, IDataset dataset) => SplitFields.Check(Fields, split, dataset, config.Model);

    /// <inheritdoc/>
    public void CheckNetwork(IDataset dataset)
    {
        IReadOnlyList<int> image = SplitFields.ImageShape(Fields, dataset);
        networks.CheckImageSize(config.Model, image[1], image[2]);
    }

    /// <inheritdoc/>
    public nn.Module CreateModel(long seed) => networks.Create(config.Model, seed);

    /// <inheritdoc/>
    public abstract Tensor Forward(nn.Module model, BatchTensors batch);

    /// <inheritdoc/>
    public (int Height, int Width) PaddedSize(int height, int width) => networks.PaddedSize(config.Model, height, width);

    /// <inheritdoc/>
    public abstract Tensor Predict(Tensor output);

    /// <inheritdoc/>
    public abstract void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape);

    /// <inheritdoc/>
    public abstract ILossSetup CreateLossSetup();

    /// <inheritdoc/>
    public abstract IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names);

    /// <inheritdoc/>
    public abstract IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch);

    /// <inheritdoc/>
    public virtual PicturePlace PlaceOf(string sample) => new(sample, 0, 0);

    /// <inheritdoc/>
    public virtual ImageBuffer? DrawSummary(AggregatedScores scores) => null;

    /// <inheritdoc/>
    public abstract AggregatedScores Aggregate(IEnumerable<SampleResult> samples);
}
