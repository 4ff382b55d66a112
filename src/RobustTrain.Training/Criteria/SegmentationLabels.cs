using static TorchSharp.torch;

namespace RobustTrain.Training.Criteria;

/// <summary>A batch of labels, and which of them count.</summary>
internal sealed class SegmentationLabels : IDisposable
{
    /// <summary>Looks at the labels, N x H x W of any integer type.</summary>
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
