using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ImageNetworks;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.Classification.Models;

/// <summary>A residual network (<see cref="ResNetFeatures"/>) that gives logits N x K: the mean of its last features, and a linear layer.</summary>
/// <remarks>Parameters carry torchvision's names; with 64 base channels and the standard stem its weights load here.</remarks>
internal sealed class ResNet : ImageModel
{
    private const int Stride = 32;

    private readonly ResNetFeatures _features;
    private readonly Linear _classifier;

    private ResNet(string variant, ModelConfig config)
        : base(variant)
    {
        _features = new ResNetFeatures(this, variant, config.InChannels, config.BaseChannels, hasSmallStem: config.Stem == "small");
        _classifier = Linear(_features.Channels, config.Classes);
        register_module("fc", _classifier);
    }

    /// <summary>What the catalogue knows of a variant.</summary>
    public static NetworkDefinition<ImageModel> DefinitionOf(string variant) =>
        new(variant, config => new ResNet(variant, config), "classes", "class_names", "base_channels", "stem") { Head = "fc.", StrideOf = _ => Stride };

    /// <inheritdoc/>
    public override Tensor forward(Tensor image)
    {
        using Tensor features = _features.Apply(image);
        using Tensor pooled = functional.adaptive_avg_pool2d(features, 1);
        using Tensor flat = pooled.flatten(1);
        return _classifier.call(flat);
    }

    /// <inheritdoc/>
    public override void InitializeWeights(long seed) => WeightInitialization.KaimingNormal(this, seed);

    /// <inheritdoc/>
    public override string Describe(OnnxGraph graph, string image)
    {
        string pooled = graph.Add("GlobalAveragePool", [_features.Describe(graph, image)]);
        return graph.Add("Gemm", [graph.Add("Flatten", [pooled], ("axis", 1L)), graph.Weight(_classifier.weight!), graph.Weight(_classifier.bias!)], ("transB", 1L));
    }
}
