using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>
/// Focal loss (Lin et al.: Focal Loss for Dense Object Detection, ICCV 2017, equation 5):
/// the mean of <c>-w[y] (1 - p[y])^gamma log p[y]</c> over the pixels that count, where <c>p</c> is the softmax of the logits,
/// <c>y</c> the label and <c>w</c> the class weights (the paper's alpha; 1 where none are given).
/// The mean is taken over the number of pixels, not over their weights. With gamma 0 and no weights it is cross entropy.
/// </summary>
public sealed class Focal : Criterion
{
    /// <summary>Keeps the gradient of <c>(1 - p)^gamma</c> finite at p = 1 for gamma below 1.</summary>
    private const double SmallestMiss = 1e-12;

    private readonly double _gamma;

    internal Focal(double gamma, IReadOnlyList<double>? classWeights, long ignoreIndex, Device device)
        : base(classWeights, ignoreIndex, device) => _gamma = gamma;

    internal override Tensor Compute(Tensor logits, SegmentationLabels labels)
    {
        using Tensor classes = labels.AsIndex();
        using Tensor channel = classes.unsqueeze(1);
        using Tensor logProbabilities = functional.log_softmax(logits, 1);
        using Tensor gathered = logProbabilities.gather(1, channel);
        using Tensor logCorrect = gathered.squeeze(1);

        using Tensor weights = PixelWeights(classes, labels, logits.dtype);
        using Tensor weighted = logCorrect * weights;
        using Tensor focused = Focused(weighted, logCorrect);
        using Tensor total = focused.sum();
        return total / -(double)labels.ValidCount;
    }

    /// <summary>The class's weight for each pixel that counts, 0 for the others.</summary>
    private Tensor PixelWeights(Tensor classes, SegmentationLabels labels, ScalarType type)
    {
        Tensor mask = labels.AsMask(type);
        if (ClassWeights is null) return mask;

        using (mask)
        {
            using Tensor flat = classes.view(-1);
            using Tensor selected = ClassWeights.index_select(0, flat);
            using Tensor weights = selected.view(classes.shape);
            return weights * mask;
        }
    }

    private Tensor Focused(Tensor weighted, Tensor logCorrect)
    {
        if (_gamma == 0) return weighted.alias();

        using Tensor miss = Miss(logCorrect);
        return weighted * miss;
    }

    /// <summary><c>(1 - p)^gamma</c>; 1 - p by expm1, which keeps the digits where p is close to 1.</summary>
    private Tensor Miss(Tensor logCorrect)
    {
        using Tensor negated = logCorrect.expm1();
        using Tensor miss = negated.neg();
        using Tensor clamped = miss.clamp(min: SmallestMiss);
        return clamped.pow(_gamma);
    }
}
