using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>
/// What FC-Siam-diff and FC-Siam-conc share: a U-Net whose encoder sees either image with the same weights
/// (Daudt, Le Saux, Boulch: Fully Convolutional Siamese Networks for Change Detection, ICIP 2018, figure 1).
/// Four stages of 3x3 convolutions, each with batch normalisation, ReLU and Dropout2d, end in a 2x2 max pooling;
/// the decoder mirrors them with transposed convolutions and takes in, at each stage, what the two encoders saw there.
/// </summary>
/// <remarks>
/// Parameters carry the names and shapes of the authors' implementation, so that its weights load here and the other way round;
/// it ends in a log-softmax, which leaves the order and, put on top of itself, the values of log-probabilities unchanged.
/// As there, the decoder starts from the last pooling of the second image, and a stage whose size was odd is
/// brought back to it by replicating the last row or column.
/// </remarks>
public abstract class FcSiamNetwork : ChangeDetectionModel
{
    private const int StageCount = 4;
    private const int SmallestSide = 1 << StageCount;

    private static readonly int[] ConvolutionsOfStage = [2, 2, 3, 3];

    private readonly double _dropout;
    private readonly ConvolutionBlock[][] _encoder = new ConvolutionBlock[StageCount][];
    private readonly ConvTranspose2d[] _upsampling = new ConvTranspose2d[StageCount];
    private readonly ConvolutionBlock[][] _decoder = new ConvolutionBlock[StageCount][];
    [ComponentName(Name = "conv11d")]
    private readonly ConvTranspose2d _classifier;

    /// <summary>Builds the network.</summary>
    /// <param name="name">The model's name in the configuration.</param>
    /// <param name="config">Its channels, classes and dropout.</param>
    /// <param name="skipCount">How many feature maps of an encoder stage's width <see cref="Combine(Tensor, Tensor, Tensor)"/> appends.</param>
    private protected FcSiamNetwork(string name, ModelConfig config, int skipCount)
        : base(name)
    {
        _dropout = config.Dropout;
        bool ofEachImage = EncoderNormalization.IsOfEachImage(config);
        int[] channels = [.. Enumerable.Range(0, StageCount).Select(stage => config.BaseChannels << stage)];

        int width = config.InChannels;
        for (int stage = 0; stage < StageCount; stage++)
        {
            _encoder[stage] = new ConvolutionBlock[ConvolutionsOfStage[stage]];
            for (int i = 0; i < _encoder[stage].Length; i++)
            {
                _encoder[stage][i] = Block($"{stage + 1}{i + 1}", Conv2d(width, channels[stage], 3, padding: 1), channels[stage], ofEachImage);
                width = channels[stage];
            }
        }

        for (int stage = StageCount - 1; stage >= 0; stage--)
        {
            _upsampling[stage] = Registered($"upconv{stage + 1}", ConvTranspose2d(width, width, 3, stride: 2, padding: 1, output_padding: 1));
            width += skipCount * channels[stage];

            // The first stage's last convolution is the classifier, which stands alone.
            int blocks = stage == 0 ? ConvolutionsOfStage[stage] - 1 : ConvolutionsOfStage[stage];
            _decoder[stage] = new ConvolutionBlock[blocks];
            for (int i = 0; i < blocks; i++)
            {
                int number = ConvolutionsOfStage[stage] - i;
                int output = number == 1 ? channels[stage - 1] : channels[stage];
                _decoder[stage][i] = Block($"{stage + 1}{number}d", ConvTranspose2d(width, output, 3, padding: 1), output, ofEachImage: false);
                width = output;
            }
        }

        _classifier = ConvTranspose2d(width, config.Classes, 3, padding: 1);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image1, Tensor image2)
    {
        Tensor[] skips1 = new Tensor[StageCount];
        Tensor[] skips2 = new Tensor[StageCount];
        Encode(image1, skips1);
        Encode(image2, skips2);

        Tensor features = functional.max_pool2d(skips2[^1], 2);
        for (int stage = StageCount - 1; stage >= 0; stage--)
        {
            using Tensor skip1 = skips1[stage];
            using Tensor skip2 = skips2[stage];
            features = Released(features, _upsampling[stage].call(features));
            if (!SameSize(features, skip1)) features = Released(features, PadTo(features, skip1));
            features = Released(features, Combine(features, skip1, skip2));
            foreach (ConvolutionBlock block in _decoder[stage]) features = Released(features, block.Apply(features, training));
        }

        return Released(features, _classifier.call(features));
    }

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image1, string image2)
    {
        string[] skips1 = Encode(graph, image1);
        string[] skips2 = Encode(graph, image2);
        string features = HalveSides(graph, skips2[^1]);
        for (int stage = StageCount - 1; stage >= 0; stage--)
        {
            features = PadTo(graph, graph.Layer(_upsampling[stage], features), skips1[stage]);
            features = Combine(graph, features, skips1[stage], skips2[stage]);
            features = _decoder[stage].Aggregate(features, (value, block) => block.Describe(graph, value));
        }

        return graph.Layer(_classifier, features);
    }

    /// <summary>What <see cref="Combine(Tensor, Tensor, Tensor)"/> does, in ONNX's operators.</summary>
    private protected abstract string Combine(OnnxGraph graph, string features, string skip1, string skip2);

    private string[] Encode(OnnxGraph graph, string image)
    {
        string[] skips = new string[StageCount];
        for (int stage = 0; stage < StageCount; stage++)
        {
            string input = stage == 0 ? image : HalveSides(graph, skips[stage - 1]);
            skips[stage] = _encoder[stage].Aggregate(input, (value, block) => block.Describe(graph, value));
        }

        return skips;
    }

    private static string HalveSides(OnnxGraph graph, string features) => graph.Add("MaxPool", [features], ("kernel_shape", (long[])[2, 2]), ("strides", (long[])[2, 2]));

    // Begins of all four dimensions, then their ends, of which only the last two are padded.
    private static string PadTo(OnnxGraph graph, string features, string target)
    {
        string rows = graph.Add("Sub", [graph.Side(target, 2), graph.Side(features, 2)]);
        string columns = graph.Add("Sub", [graph.Side(target, 3), graph.Side(features, 3)]);
        return graph.Add("Pad", [features, graph.Add("Concat", [graph.Constant(0L, 0, 0, 0, 0, 0), rows, columns], ("axis", 0L))], ("mode", "edge"));
    }

    /// <summary>Appends, along the channels, what the two encoders saw at a stage to the decoder's features.</summary>
    private protected abstract Tensor Combine(Tensor features, Tensor skip1, Tensor skip2);

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed) => WeightInitialization.KaimingUniform(this, seed);

    /// <summary>What the catalogue knows of one of these networks.</summary>
    private protected static NetworkDefinition<ChangeDetectionModel> Defined(string name, Func<ModelConfig, ChangeDetectionModel> build) =>
        new(name, build, "classes", "base_channels", "dropout", "evaluation_statistics")
        {
            Head = "conv11d.",
            FindImageSizeProblem = (_, height, width) => Math.Min(height, width) < SmallestSide ? $"it halves them {StageCount} times, so each side must have at least {SmallestSide}" : null,
            StrideOf = _ => SmallestSide,
        };

    private void Encode(Tensor image, Tensor[] skips)
    {
        for (int stage = 0; stage < StageCount; stage++)
        {
            Tensor features = stage == 0 ? image.alias() : functional.max_pool2d(skips[stage - 1], 2);
            foreach (ConvolutionBlock block in _encoder[stage]) features = Released(features, block.Apply(features, training));
            skips[stage] = features;
        }
    }

    private static bool SameSize(Tensor features, Tensor target) =>
        features.shape[2] == target.shape[2] && features.shape[3] == target.shape[3];

    private static Tensor PadTo(Tensor features, Tensor target) =>
        functional.pad(features, (0, target.shape[3] - features.shape[3], 0, target.shape[2] - features.shape[2]), PaddingModes.Replicate);

    /// <summary>Gives an intermediate result back as soon as only the gradient, if anything, still needs it.</summary>
    private static Tensor Released(Tensor consumed, Tensor result)
    {
        consumed.Dispose();
        return result;
    }

    private ConvolutionBlock Block(string number, nn.Module<Tensor, Tensor> convolution, int outputChannels, bool ofEachImage) =>
        new(Registered($"conv{number}", convolution), Registered($"bn{number}", BatchNorm2d(outputChannels)), _dropout, ofEachImage);

    private T Registered<T>(string name, T module)
        where T : nn.Module
    {
        register_module(name, module);
        return module;
    }
}

/// <summary>A convolution, batch normalisation, ReLU and Dropout2d, in this order; the modules belong to the network that registered them.</summary>
internal sealed class ConvolutionBlock(nn.Module<Tensor, Tensor> convolution, BatchNorm2d norm, double dropout, bool ofEachImage)
{
    public Tensor Apply(Tensor input, bool training)
    {
        using Tensor convolved = convolution.call(input);
        using Tensor normalised = EncoderNormalization.Apply(norm, convolved, ofEachImage);
        Tensor activated = functional.relu(normalised);
        if (!training || dropout == 0) return activated;

        using (activated) return functional.dropout2d(activated, dropout, training);
    }

    public string Describe(OnnxGraph graph, string input) =>
        graph.Add("Relu", [EncoderNormalization.Describe(graph, norm, graph.Layer(convolution, input), ofEachImage)]);
}
