using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks.ClassLabels.Losses;

/// <summary>
/// What is minimised: a scalar from logits N x K x H x W (float) and labels N x H x W (integers below K, or the ignored value), or from logits
/// N x K and labels N, where whole images have classes. Pixels with the ignored value count nowhere; a batch of nothing else has the loss 0 and a gradient of zeros.
/// </summary>
public abstract class Criterion : IDisposable
{
    /// <summary>Sets up the criterion.</summary>
    /// <param name="classWeights">One weight a class, or null where all count the same.</param>
    /// <param name="ignoreIndex">The label value that is left out.</param>
    /// <param name="device">Where the logits will be.</param>
    private protected Criterion(IReadOnlyList<double>? classWeights, long ignoreIndex, Device device)
    {
        IgnoreIndex = ignoreIndex;
        ClassWeights = classWeights is null
            ? null
            : tensor(classWeights.Select(weight => (float)weight).ToArray(), device: device).DetachFromDisposeScope();
    }

    /// <summary>The label value that is left out.</summary>
    protected long IgnoreIndex { get; }

    /// <summary>One float a class on the logits' device, or null where all classes count the same.</summary>
    protected Tensor? ClassWeights { get; }

    /// <summary>The loss: a scalar of the logits' type that carries their gradient.</summary>
    /// <param name="logits">N x K x H x W or N x K, not normalised.</param>
    /// <param name="labels">N x H x W or N, any integer type, on the logits' device.</param>
    /// <exception cref="ArgumentException">The shapes do not belong together.</exception>
    public Tensor Compute(Tensor logits, Tensor labels)
    {
        CheckShapes(logits, labels);
        using SegmentationLabels segmentation = new(labels, IgnoreIndex);
        if (segmentation.ValidCount > 0) return Compute(logits, segmentation);

        using Tensor nothing = logits * 0;
        return nothing.sum();
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        ClassWeights?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The loss of labels of which at least one counts.</summary>
    internal abstract Tensor Compute(Tensor logits, SegmentationLabels labels);

    private static void CheckShapes(Tensor logits, Tensor labels)
    {
        long[] outputs = logits.shape;
        long[] targets = labels.shape;
        if (outputs.Length is not (2 or 4) || targets.Length != outputs.Length - 1 || outputs[0] != targets[0] || !outputs.Skip(2).SequenceEqual(targets.Skip(1)))
        {
            throw new ArgumentException(
                $"Logits must be N x K x H x W and labels N x H x W, or N x K and N, but they are {string.Join(" x ", outputs)} and {string.Join(" x ", targets)}.",
                nameof(labels));
        }
    }
}

/// <summary>A batch of labels, and which of them count.</summary>
internal sealed class SegmentationLabels : IDisposable
{
    /// <summary>Looks at the labels, N x H x W or N of any integer type.</summary>
    public SegmentationLabels(Tensor labels, long ignoreIndex)
    {
        Classes = labels.dtype == ScalarType.Int64 ? labels.alias() : labels.to(ScalarType.Int64);
        IsIgnored = Classes == ignoreIndex;
        using Tensor ignoredCount = IsIgnored.sum();
        ValidCount = labels.numel() - ignoredCount.item<long>();
    }

    /// <summary>N x H x W, int64, the ignored value included.</summary>
    public Tensor Classes { get; }

    /// <summary>N x H x W, bool.</summary>
    public Tensor IsIgnored { get; }

    /// <summary>How many labels count.</summary>
    public long ValidCount { get; }

    /// <summary>N x H x W, int64: the class, 0 where it is ignored, so that it can serve as an index.</summary>
    public Tensor AsIndex() => Classes.masked_fill(IsIgnored, 0);

    /// <summary>N x H x W of the given type: 1 where a label counts, else 0.</summary>
    public Tensor AsMask(ScalarType type)
    {
        using Tensor valid = IsIgnored.logical_not();
        return valid.to(type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Classes.Dispose();
        IsIgnored.Dispose();
    }
}
