using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>A task of one input image, which can be used and nothing else.</summary>
internal sealed class FakeTask(PredictionForm form, Func<nn.Module<Tensor, Tensor>> create, int stride = 1, int? imageSide = null) : ITrainingTask
{
    public IReadOnlyList<SampleField> Fields { get; } = [new("image", 3, "the images"), new("label", 2)];

    public IReadOnlyList<ScoreDefinition> Scores => [];

    public PredictionForm Prediction => form;

    public int Stride => stride;

    public int? ImageSide => imageSide;

    public DataSplits OpenSplits() => throw new NotSupportedException();

    public IDataset Open(DatasetSplit split, SampleView view) => throw new NotSupportedException();

    public IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation) => throw new NotSupportedException();

    public void CheckSplit(DatasetSplit split, IDataset dataset) => throw new NotSupportedException();

    public void CheckNetwork(IDataset dataset) => throw new NotSupportedException();

    public nn.Module CreateModel(long seed)
    {
        random.manual_seed(seed);
        return create();
    }

    public Tensor Forward(nn.Module model, BatchTensors batch) => ((nn.Module<Tensor, Tensor>)model).call(batch["image"]);

    public (int Height, int Width) PaddedSize(int height, int width) => ((height + stride - 1) / stride * stride, (width + stride - 1) / stride * stride);

    public Tensor Predict(Tensor output) => form is PredictionForm.Image ? output : nn.functional.softmax(output, 1);

    public void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape) => throw new NotSupportedException();

    public ILossSetup CreateLossSetup() => throw new NotSupportedException();

    public IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names) => throw new NotSupportedException();

    public IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch) => throw new NotSupportedException();

    public AggregatedScores Aggregate(IEnumerable<SampleResult> samples) => throw new NotSupportedException();
}
