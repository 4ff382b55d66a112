using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>
/// Cross entropy: the mean of <c>-log p[y]</c> over the pixels that count, weighted by <c>w[y]</c>
/// (as <c>torch.nn.CrossEntropyLoss</c> defines it), where <c>p</c> is the softmax of the logits and <c>y</c> the label. With smoothing e
/// the label counts for 1 - e and each class for e/K (Szegedy et al.: Rethinking the Inception Architecture, CVPR 2016, section 7).
/// </summary>
public sealed class CrossEntropy : Criterion
{
    private readonly double _smoothing;

    internal CrossEntropy(double smoothing, IReadOnlyList<double>? classWeights, long ignoreIndex, Device device)
        : base(classWeights, ignoreIndex, device) => _smoothing = smoothing;

    internal override Tensor Compute(Tensor logits, SegmentationLabels labels) =>
        functional.cross_entropy(logits, labels.Classes, ClassWeights, IgnoreIndex, label_smoothing: _smoothing);
}
