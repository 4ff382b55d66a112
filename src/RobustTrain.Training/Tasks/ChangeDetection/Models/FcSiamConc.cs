using RobustTrain.Training.Configuration;
using RobustTrain.Training.Onnx;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ChangeDetection.Models;

/// <summary>FC-Siam-conc: the decoder sees both encoders' features side by side (Daudt et al., ICIP 2018, section 2).</summary>
public sealed class FcSiamConc : FcSiamNetwork
{
    private const string ModelName = "fc-siam-conc";

    internal static readonly NetworkDefinition<ChangeDetectionModel> Definition =
        Defined(ModelName, config => new FcSiamConc(config));

    private FcSiamConc(ModelConfig config)
        : base(ModelName, config, skipCount: 2)
    {
    }

    private protected override string Combine(OnnxGraph graph, string features, string skip1, string skip2) => graph.Add("Concat", [features, skip1, skip2], ("axis", 1L));

    private protected override Tensor Combine(Tensor features, Tensor skip1, Tensor skip2) => cat([features, skip1, skip2], 1);
}
