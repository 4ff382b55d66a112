using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>FC-Siam-diff: the decoder sees the absolute difference of the two encoders' features (Daudt et al., ICIP 2018, section 2).</summary>
public sealed class FcSiamDiff : FcSiamNetwork
{
    private const string ModelName = "fc-siam-diff";

    internal static readonly NetworkDefinition<ChangeDetectionModel> Definition =
        Defined(ModelName, config => new FcSiamDiff(config));

    private FcSiamDiff(ModelConfig config)
        : base(ModelName, config, skipCount: 1)
    {
    }

    private protected override string Combine(OnnxGraph graph, string features, string skip1, string skip2) =>
        graph.Add("Concat", [features, graph.Add("Abs", [graph.Add("Sub", [skip1, skip2])])], ("axis", 1L));

    private protected override Tensor Combine(Tensor features, Tensor skip1, Tensor skip2)
    {
        using Tensor difference = skip1 - skip2;
        using Tensor distance = difference.abs();
        return cat([features, distance], 1);
    }
}
