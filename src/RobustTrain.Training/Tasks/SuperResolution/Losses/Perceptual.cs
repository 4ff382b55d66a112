using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Checkpoints.SafeTensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>
/// How far apart VGG19's features of two images are (Johnson, Alahi, Fei-Fei, ECCV 2016): the weighted sum over layers of the mean absolute
/// difference, of features before their activation, as ESRGAN has it (Wang et al., 2018, section 3.3). Images are normalised as VGG was trained.
/// </summary>
internal sealed class Perceptual : ImageLoss
{
    private readonly Vgg19 _network;
    private readonly IReadOnlyDictionary<string, double> _weights;

    /// <summary>Makes the loss.</summary>
    /// <param name="path">A safetensors file with VGG19's weights under torchvision's names, <c>features.0.weight</c> and so on.</param>
    /// <param name="weights">The layers that are compared, as <c>conv5_4</c>, each with its weight.</param>
    /// <param name="device">Where the images will be.</param>
    /// <exception cref="RunException">The file can't be read or has other weights.</exception>
    public Perceptual(string path, IReadOnlyDictionary<string, double> weights, Device device)
    {
        _weights = weights;
        _network = new Vgg19(weights.Keys);
        _network.Load(path);
        _network.to(device);
    }

    private protected override Tensor Measure(Tensor output, Tensor target)
    {
        using IDisposable scope = NewDisposeScope();
        Dictionary<string, Tensor> expected;
        using (no_grad())
            expected = _network.Features(target);
        Dictionary<string, Tensor> features = _network.Features(output);
        return _weights.Select(layer => functional.l1_loss(features[layer.Key], expected[layer.Key]) * layer.Value)
            .Aggregate((sum, value) => sum + value).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _network.Dispose();
}

/// <summary>
/// The convolutions of VGG19 (Simonyan, Zisserman, ICLR 2015, configuration E), under torchvision's names and as far as they are needed.
/// It learns nothing.
/// </summary>
internal sealed class Vgg19 : nn.Module
{
    private static readonly (int Convolutions, int Channels)[] Stages = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)];
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] Deviation = [0.229f, 0.224f, 0.225f];

    private readonly List<Layer> _layers = [];
    private readonly IReadOnlyCollection<string> _wanted;

    /// <summary>Builds the network up to the deepest of some layers.</summary>
    public Vgg19(IEnumerable<string> layers)
        : base("vgg19")
    {
        _wanted = [.. layers];
        int deepest = _wanted.Max(layer => LayerNames.IndexOf(layer));
        long channels = 3;
        int index = 0;
        foreach ((int stage, (int count, int width)) in Stages.Index())
        {
            for (int i = 0; i < count && _layers.Count <= deepest; i++)
            {
                Conv2d convolution = Conv2d(channels, width, 3, padding: 1);
                register_module($"features_{index}", convolution);
                _layers.Add(new Layer($"conv{stage + 1}_{i + 1}", $"features.{index}", convolution, i == count - 1));
                channels = width;

                // The activation counts as a layer in torchvision's numbers, and so does the pooling.
                index += i == count - 1 ? 3 : 2;
            }
        }

        foreach (Parameter parameter in parameters())
            parameter.requires_grad = false;
    }

    /// <summary>The layers that can be compared, in their order.</summary>
    public static List<string> LayerNames { get; } =
        [.. Stages.Index().SelectMany(stage => Enumerable.Range(1, stage.Item.Convolutions).Select(i => $"conv{stage.Index + 1}_{i}"))];

    /// <summary>Takes the weights from a safetensors file.</summary>
    /// <exception cref="RunException">The file can't be read or has other weights.</exception>
    public void Load(string path)
    {
        try
        {
            using SafeTensorsReader file = SafeTensorsReader.Open(path);
            foreach (Layer layer in _layers)
            {
                HostTensors.Copy(file, $"{layer.FileName}.weight", layer.Convolution.weight, Other);
                HostTensors.Copy(file, $"{layer.FileName}.bias", layer.Convolution.bias!, Other);
            }
        }
        catch (Exception unreadable) when (unreadable is SafeTensorsException or IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                ExitCode.Configuration, "PerceptualWeights",
                $"criterion.perceptual_path can't be read: {(File.Exists(path) ? unreadable.Message : $"there is no file '{path}'")}; a safetensors file with VGG19's weights under torchvision's names is expected.", path);
        }

        RunException Other(string difference) => new(
            ExitCode.Configuration, "PerceptualWeights",
            $"criterion.perceptual_path is {path}, which does not hold VGG19's weights under torchvision's names: {difference}.", path);
    }

    /// <summary>The features of images, N x 3 x H x W in 0..1, at each of the layers that were asked for, before their activation.</summary>
    public Dictionary<string, Tensor> Features(Tensor images)
    {
        Dictionary<string, Tensor> features = new(StringComparer.Ordinal);
        Tensor value = (images - Channels(Mean)) / Channels(Deviation);
        foreach (Layer layer in _layers)
        {
            value = layer.Convolution.call(value);
            if (_wanted.Contains(layer.Name))
                features[layer.Name] = value;
            if (features.Count == _wanted.Count)
                break;
            value = functional.relu(value);
            if (layer.EndsStage)
                value = functional.max_pool2d(value, 2);
        }

        return features;

        Tensor Channels(float[] values) => tensor(values, [1, values.Length, 1, 1], device: images.device);
    }

    private sealed record Layer(string Name, string FileName, Conv2d Convolution, bool EndsStage);
}
