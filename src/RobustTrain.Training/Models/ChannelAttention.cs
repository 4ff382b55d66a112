using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// Attention among the channels (CAM; Fu et al.: Dual Attention Network for Scene Segmentation, CVPR 2019, section 3.3):
/// a channel attends to those that are least like it. The likeness is divided by the square root of the number of pixels,
/// which keeps the softmax from saturating. The result is added to the input times gamma, which starts at 0.
/// </summary>
internal sealed class ChannelAttention : Module<Tensor, Tensor>
{
    public ChannelAttention()
        : base(nameof(ChannelAttention)) => register_parameter("gamma", new Parameter(zeros(1)));

    public override Tensor forward(Tensor input)
    {
        long[] shape = input.shape;
        using Tensor channels = input.reshape(shape[0], shape[1], shape[2] * shape[3]);
        using Tensor scaled = channels / Math.Sqrt(shape[2] * shape[3]);
        using Tensor transposed = channels.transpose(1, 2);
        using Tensor likeness = scaled.bmm(transposed);
        using Tensor greatest = likeness.amax([-1], keepdim: true);
        using Tensor difference = greatest - likeness;
        using Tensor attention = functional.softmax(difference, -1);
        using Tensor attended = attention.bmm(channels);
        using Tensor features = attended.reshape(shape);
        using Tensor gated = features * get_parameter("gamma")!;
        return gated + input;
    }
}
