using RobustTrain.Data;
using RobustTrain.Data.Datasets;
using RobustTrain.Data.Imaging;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Optimization;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>
/// What is learned: of which samples, by which network and loss, and how it is scored. The trainer, the loaders, the checkpoints and the
/// evaluation know no more of a task than this. A task belongs to one configuration.
/// </summary>
public interface ITrainingTask
{
    /// <summary>The fields of a sample, which its datasets give, and its network, loss and scores take.</summary>
    IReadOnlyList<SampleField> Fields { get; }

    /// <summary>The scores by which epochs can be compared.</summary>
    IReadOnlyList<ScoreDefinition> Scores { get; }

    /// <summary>Opens the datasets of a training.</summary>
    /// <exception cref="DatasetException">The folder is not the dataset that the configuration says.</exception>
    /// <exception cref="RunException">A key doesn't fit the dataset.</exception>
    DataSplits OpenSplits();

    /// <summary>Opens one split.</summary>
    /// <inheritdoc cref="OpenSplits"/>
    IDataset Open(DatasetSplit split, SampleView view);

    /// <summary>The named parts of the validation split; none where the configuration makes none.</summary>
    /// <exception cref="DatasetException">A part names what is not there.</exception>
    IReadOnlyList<ValidationSet> ValidationSetsOf(IDataset validation);

    /// <summary>Checks that a split has the fields of the task, in the shapes that the configuration says.</summary>
    /// <exception cref="RunException">It has not.</exception>
    void CheckSplit(DatasetSplit split, IDataset dataset);

    /// <summary>Checks that the network can take the samples of a dataset that <see cref="CheckSplit"/> has passed.</summary>
    /// <exception cref="RunException">It can't.</exception>
    void CheckNetwork(IDataset dataset);

    /// <summary>The network on the CPU, in training mode, its weights a pure function of the configuration and the seed.</summary>
    nn.Module CreateModel(long seed);

    /// <summary>What the network, which <see cref="CreateModel"/> made, gives for a batch.</summary>
    Tensor Forward(nn.Module model, BatchTensors batch);

    /// <summary>What becomes of an image that the network is used on.</summary>
    PredictionForm Prediction { get; }

    /// <summary>The pixels between the network's coarsest features: a tile that begins at a multiple of it is cut as the whole image is.</summary>
    int Stride { get; }

    /// <summary>The sides to which an image of a height and width is padded on the right and below before the network takes it.</summary>
    (int Height, int Width) PaddedSize(int height, int width);

    /// <summary>The side to which the largest square in the middle of an image is brought before the network takes it; null where it takes images as they are.</summary>
    int? ImageSide => null;

    /// <summary>What the network gave, as <see cref="Prediction"/> says: probabilities, N x K x H x W or N x K, or pixels in 0..1, N x C x H x W.</summary>
    Tensor Predict(Tensor output);

    /// <summary>Says what the network does, in evaluation, in ONNX's operators.</summary>
    /// <param name="model">The network, on the CPU.</param>
    /// <param name="graph">Takes inputs, named as <see cref="Fields"/>, operators, weights and outputs.</param>
    /// <param name="shape">The shape of an input image batch: N, C, H, W, each a number or the name of a side that is left open.</param>
    void Describe(nn.Module model, OnnxGraph graph, IReadOnlyList<string> shape);

    /// <summary>What makes a training's loss.</summary>
    ILossSetup CreateLossSetup();

    /// <summary>Counts, sample by sample, what the network gave for a batch.</summary>
    /// <exception cref="RunException">A label is neither a class nor the ignored value.</exception>
    IReadOnlyList<SampleResult> Score(Tensor output, BatchTensors batch, IReadOnlyList<string> names);

    /// <summary>Draws each sample of a batch for people: what came in, what is true, and what the network gave; of every sample as many pictures.</summary>
    IReadOnlyList<IReadOnlyList<SamplePicture>> Draw(Tensor output, BatchTensors batch);

    /// <summary>Where a sample belongs that is a part of what people look at; mostly it is that itself.</summary>
    PicturePlace PlaceOf(string sample) => new(sample, 0, 0);

    /// <summary>Draws, for people, what scores of many samples tell together; null where there is nothing to draw.</summary>
    ImageBuffer? DrawSummary(AggregatedScores scores) => null;

    /// <summary>The scores of samples together.</summary>
    AggregatedScores Aggregate(IEnumerable<SampleResult> samples);
}

/// <summary>What becomes of an image that a network is used on.</summary>
public abstract record PredictionForm
{
    private PredictionForm()
    {
    }

    /// <summary>A class for each pixel.</summary>
    /// <param name="ClassCount">How many classes there are.</param>
    public sealed record ClassMap(int ClassCount) : PredictionForm;

    /// <summary>Another image.</summary>
    /// <param name="Scale">By how much its sides are longer than those of the network's input.</param>
    public sealed record Image(int Scale) : PredictionForm;

    /// <summary>A class for the whole image.</summary>
    /// <param name="ClassNames">The names of the classes, in the order of the network's output.</param>
    public sealed record Label(IReadOnlyList<string> ClassNames) : PredictionForm;
}

/// <summary>A field of a task's samples.</summary>
/// <param name="Name">Its name in the datasets.</param>
/// <param name="Dimensions">The dimensions of one sample's.</param>
/// <param name="Input">What it is called where it is the network's input; null where it is not an input.</param>
public sealed record SampleField(string Name, int Dimensions, string? Input = null);

/// <summary>How samples are looked at.</summary>
public enum SampleView
{
    /// <summary>As evaluation sees them.</summary>
    Plain,

    /// <summary>As training sees them.</summary>
    Augmented,

    /// <summary>Uncut, where the dataset can.</summary>
    Whole,
}

/// <summary>
/// Makes a training's loss, of what it may have to know of the training data. Checkpoints keep that, so that a resumed training has the
/// same loss.
/// </summary>
public interface ILossSetup : ICheckpointState, IDisposable
{
    /// <summary>Makes the loss, which the caller disposes.</summary>
    /// <param name="training">The training data, looked at where no checkpoint has said what there is to know.</param>
    /// <param name="device">Where the network is.</param>
    ITrainingLoss Create(IBatchLoader training, Device device);

    /// <summary>Disposes what it holds beyond the losses that it made; most hold nothing.</summary>
    void IDisposable.Dispose()
    {
    }
}

/// <summary>What is minimised.</summary>
public interface ITrainingLoss : IDisposable
{
    /// <summary>The mean loss of a batch: a scalar that carries the output's gradient.</summary>
    Tensor Compute(Tensor output, BatchTensors batch);

    /// <summary>
    /// What learns by the gradient of the same scalar beside the network, as a discriminator does; mostly nothing. Each is changed by the
    /// steps that change the network, and by no other.
    /// </summary>
    internal IReadOnlyList<Opponent> Opponents => [];

    /// <summary>Is told of the step to which the next batches belong.</summary>
    void Begin(long globalStep)
    {
    }
}

/// <summary>What learns beside the network.</summary>
/// <param name="Learner">It, and what changes it; its owner disposes it.</param>
/// <param name="LearningRate">Its learning rate at the end of the warm-up.</param>
internal sealed record Opponent(Learner Learner, double LearningRate);
