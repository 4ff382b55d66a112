using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>
/// MS-SSIM and L1 (Zhao, Gallo, Frosio, Kautz: Loss Functions for Image Restoration With Neural Networks, IEEE Transactions on
/// Computational Imaging 2017, section III): <c>a (1 - MS-SSIM) + (1 - a) G L1</c>, each channel by itself, its mean over pixels and channels.
/// </summary>
/// <remarks>
/// As in the paper, the scales are Gaussians of growing width over the image at its own size instead of smaller images:
/// <c>MS-SSIM(p) = l_M(p) times the product over j of cs_j(p)</c> with deviations 0.5, 1, 2, 4 and 8, and the L1 is weighed by the widest.
/// Beyond its border an image is continued by its last pixels.
/// </remarks>
internal sealed class MsSsimL1 : ImageLoss
{
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;
    private const int Reach = 16;

    private static readonly double[] Deviations = [0.5, 1, 2, 4, 8];

    private readonly double _share;
    private readonly Tensor _columns;
    private readonly Tensor _rows;

    /// <summary>Makes the loss.</summary>
    /// <param name="share">The weight of MS-SSIM, from 0 to 1; L1 has the rest. The paper's is 0.84.</param>
    /// <param name="device">Where the images will be.</param>
    public MsSsimL1(double share, Device device)
    {
        _share = share;
        const int width = (2 * Reach) + 1;
        float[] taps = [.. Deviations.SelectMany(Gaussian)];
        _columns = tensor(taps, [Deviations.Length, 1, width, 1], device: device).DetachFromDisposeScope();
        _rows = tensor(taps, [Deviations.Length, 1, 1, width], device: device).DetachFromDisposeScope();
    }

    private protected override Tensor Measure(Tensor output, Tensor target)
    {
        using IDisposable scope = NewDisposeScope();
        long[] shape = output.shape;
        Tensor x = output.reshape(-1, 1, shape[2], shape[3]);
        Tensor y = target.reshape(-1, 1, shape[2], shape[3]);

        // All at once: six kinds of images, each under five Gaussians.
        Tensor[] means = Blur(cat([x, y, x * x, y * y, x * y, (x - y).abs()])).chunk(6, 0);
        (Tensor meanX, Tensor meanY) = (means[0], means[1]);
        Tensor varianceX = means[2] - meanX.square();
        Tensor varianceY = means[3] - meanY.square();
        Tensor covariance = means[4] - (meanX * meanY);
        Tensor contrast = ((covariance * 2) + C2) / (varianceX + varianceY + C2);
        (Tensor widestX, Tensor widestY) = (Widest(meanX), Widest(meanY));
        Tensor luminance = ((widestX * widestY * 2) + C1) / (widestX.square() + widestY.square() + C1);
        Tensor similarity = luminance * contrast.prod(1, keepdim: true);
        return (((1 - similarity) * _share) + (Widest(means[5]) * (1 - _share))).mean().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _columns.Dispose();
        _rows.Dispose();
    }

    private static IEnumerable<float> Gaussian(double deviation)
    {
        double[] taps = [.. Enumerable.Range(-Reach, (2 * Reach) + 1).Select(at => Math.Exp(-at * at / (2 * deviation * deviation)))];
        return taps.Select(tap => (float)(tap / taps.Sum()));
    }

    private static Tensor Widest(Tensor scales) => scales.narrow(1, Deviations.Length - 1, 1);

    // A Gaussian is one along the columns after one along the rows.
    private Tensor Blur(Tensor images)
    {
        Tensor padded = functional.pad(images, (Reach, Reach, Reach, Reach), PaddingModes.Replicate);
        return functional.conv2d(functional.conv2d(padded, _columns), _rows, groups: Deviations.Length);
    }
}
