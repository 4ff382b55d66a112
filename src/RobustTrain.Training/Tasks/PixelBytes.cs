using RobustTrain.Training.Configuration;
using static TorchSharp.torch;

namespace RobustTrain.Training.Tasks;

/// <summary>Makes normalised images pixels again.</summary>
internal static class PixelBytes
{
    /// <summary>N x H x W x 3 bytes, on the CPU and dense; grey in all three.</summary>
    /// <param name="images">N x C x H x W, normalised.</param>
    /// <param name="data">By what they were normalised.</param>
    public static Tensor Of(Tensor images, DataConfig data)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor mean = tensor(data.Mean.Select(value => (float)value).ToArray()).reshape(1, -1, 1, 1);
        Tensor deviation = tensor(data.Std.Select(value => (float)value).ToArray()).reshape(1, -1, 1, 1);
        Tensor colors = ((images.cpu() * deviation) + mean) * 255;
        long[] shape = colors.shape;
        return colors.round().clamp(0, 255).to(ScalarType.Byte).expand(shape[0], 3, shape[2], shape[3]).permute(0, 2, 3, 1).contiguous().MoveToOuterDisposeScope();
    }
}
