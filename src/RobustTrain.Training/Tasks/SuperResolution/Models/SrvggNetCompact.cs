using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Models;

/// <summary>
/// SRVGGNetCompact (Wang, Xie, Dong, Shan: Real-ESRGAN, ICCV Workshops 2021; the small network of its repository): convolutions with
/// PReLU at the small size, and one pixel shuffle at the end, to which each pixel of the input is added.
/// </summary>
/// <remarks>
/// 64 features and 16 convolutions between the first and the last, as realesr-animevideov3 has them; realesr-general-x4v3 has 32.
/// Parameters carry the names and shapes of BasicSR's, so that public weights load.
/// </remarks>
public sealed class SrvggNetCompact : SuperResolutionModel
{
    private const string ModelName = "srvggnet-compact";

    internal static readonly NetworkDefinition<SuperResolutionModel> Definition =
        ModelCatalog.Defined(ModelName, config => new SrvggNetCompact(config), features: 64, blocks: 16);

    [ComponentName(Name = "body")]
    private readonly TorchSharp.Modules.Sequential _body;

    private SrvggNetCompact(ModelConfig config)
        : base(ModelName, config.Scale)
    {
        int features = config.Features!.Value;
        List<nn.Module<Tensor, Tensor>> body = [Convolution(config.InChannels, features), PReLU(features)];
        for (int i = 0; i < (config.Blocks!.Value); i++)
            body.AddRange([Convolution(features, features), PReLU(features)]);
        body.Add(Convolution(features, config.InChannels * Scale * Scale));
        _body = Sequential(body);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using Tensor features = _body.call(image);
        using Tensor residual = functional.pixel_shuffle(features, Scale);
        using Tensor enlarged = NearestUpsampling.Apply(image, Scale);
        return residual + enlarged;
    }

    /// <inheritdoc/>
    internal override void InitializeWeights(long seed) => WeightInitialization.KaimingUniform(this, seed);

    /// <inheritdoc/>
    internal override string Describe(OnnxGraph graph, string image) =>
        graph.Add("Add", [graph.PixelShuffle(graph.Layer(_body, image), Scale), NearestUpsampling.Describe(graph, image, Scale)]);
}
