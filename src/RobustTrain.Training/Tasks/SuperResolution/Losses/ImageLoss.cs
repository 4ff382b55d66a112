using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>How far images are from what they should be: a scalar that carries the gradient of the first.</summary>
public abstract class ImageLoss : IDisposable
{
    /// <summary>The mean loss of a batch.</summary>
    /// <param name="output">What the network gave, N x C x H x W.</param>
    /// <param name="target">What is true, of the same shape, values in 0..1.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public Tensor Compute(Tensor output, Tensor target)
    {
        if (output.dim() != 4 || !output.shape.SequenceEqual(target.shape))
            throw new ArgumentException($"Images must be N x C x H x W, of one shape, but they are {string.Join(" x ", output.shape)} and {string.Join(" x ", target.shape)}.", nameof(target));
        return Measure(output, target);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes what the loss holds.</summary>
    /// <param name="disposing">Whether it is called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    private protected abstract Tensor Measure(Tensor output, Tensor target);
}

/// <summary>A loss that is the mean over pixels and channels of a function of two values.</summary>
/// <param name="measure">The mean of the function.</param>
internal sealed class PointLoss(Func<Tensor, Tensor, Tensor> measure) : ImageLoss
{
    /// <summary>The mean of the absolute difference.</summary>
    public static PointLoss L1() => new((output, target) => functional.l1_loss(output, target));

    /// <summary>The mean of the squared difference.</summary>
    public static PointLoss Mse() => new((output, target) => functional.mse_loss(output, target));

    /// <summary>The mean of <c>sqrt(d² + epsilon²)</c> (Lai, Huang, Ahuja, Yang: Deep Laplacian Pyramid Networks, CVPR 2017, section 3.3).</summary>
    public static PointLoss Charbonnier(double epsilon) => new((output, target) => ((output - target).square() + (epsilon * epsilon)).sqrt().mean());

    private protected override Tensor Measure(Tensor output, Tensor target)
    {
        using IDisposable scope = NewDisposeScope();
        return measure(output, target).MoveToOuterDisposeScope();
    }
}

/// <summary>A weighted sum of losses, which it owns.</summary>
/// <param name="terms">The losses with their weights.</param>
internal sealed class WeightedSum(IReadOnlyList<(ImageLoss Loss, double Weight)> terms) : ImageLoss
{
    private protected override Tensor Measure(Tensor output, Tensor target)
    {
        using IDisposable scope = NewDisposeScope();
        return terms.Select(term => term.Loss.Compute(output, target) * term.Weight).Aggregate((sum, value) => sum + value).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach ((ImageLoss loss, _) in terms)
            loss.Dispose();
    }
}
