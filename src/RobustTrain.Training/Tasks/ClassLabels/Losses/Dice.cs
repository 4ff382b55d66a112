using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>
/// Dice loss (Milletari, Navab, Ahmadi: V-Net, 3DV 2016, with the plain sum in the denominator), soft and for several classes:
/// the mean over the samples of <c>sum over c of w[c] (1 - 2 sum p[c] t[c] / (sum p[c] + sum t[c]))</c>,
/// the sums running over the sample's pixels that count; <c>p</c> is the softmax of the logits, <c>t[c]</c> 1 where the label is c,
/// and <c>w</c> the class weights scaled to the sum 1 (1/K where none are given).
/// </summary>
/// <remarks>
/// A class that a sample's labels lack contributes its whole weight whatever is predicted, and no gradient;
/// so does every class of a sample of which no pixel counts.
/// </remarks>
public sealed class Dice : Criterion
{
    private const double SmallestCardinality = 1e-6;

    internal Dice(IReadOnlyList<double>? classWeights, long ignoreIndex, Device device)
        : base(ScaledToOne(classWeights), ignoreIndex, device)
    {
    }

    internal override Tensor Compute(Tensor logits, SegmentationLabels labels)
    {
        using Tensor mask = labels.AsMask(logits.dtype);
        using Tensor pixels = mask.unsqueeze(1);
        using Tensor truth = OneHot(logits, labels, pixels);
        using Tensor probabilities = functional.softmax(logits, 1);
        using Tensor predicted = probabilities * pixels;

        using Tensor overlap = predicted * truth;
        using Tensor intersection = SumOverPixels(overlap);
        using Tensor predictedSize = SumOverPixels(predicted);
        using Tensor trueSize = SumOverPixels(truth);
        using Tensor size = predictedSize + trueSize;
        using Tensor cardinality = size.clamp(min: SmallestCardinality);
        using Tensor ratio = intersection / cardinality;
        using Tensor doubled = ratio * 2;
        using Tensor loss = 1 - doubled;

        // N x K: the mean over samples of the weighted sum over classes.
        if (ClassWeights is null) return loss.mean();
        using Tensor weighted = loss * ClassWeights;
        using Tensor bySample = weighted.sum(1);
        return bySample.mean();
    }

    /// <summary>N x K x H x W: 1 where the label is the channel's class and counts.</summary>
    private static Tensor OneHot(Tensor logits, SegmentationLabels labels, Tensor pixels)
    {
        using Tensor classes = labels.AsIndex();
        using Tensor channel = classes.unsqueeze(1);
        Tensor truth = zeros_like(logits);
        return truth.scatter_(1, channel, pixels);
    }

    private static Tensor SumOverPixels(Tensor values) => values.sum(2, 3);

    private static IReadOnlyList<double>? ScaledToOne(IReadOnlyList<double>? weights)
    {
        double sum = weights?.Sum() ?? 1;
        return weights?.Select(weight => weight / sum).ToArray();
    }
}
