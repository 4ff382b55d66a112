using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// A transposed 3x3 convolution of stride 1 and padding 1, with the parameters of <c>ConvTranspose2d</c>, computed as what it equals:
/// a convolution whose kernels are mirrored and whose channels change places. CPU libraries have far better kernels for that;
/// the demo network's step takes about two thirds of the time.
/// </summary>
internal sealed class MirroredConvolution : Module<Tensor, Tensor>
{
    public MirroredConvolution(int inputs, int outputs)
        : base(nameof(MirroredConvolution))
    {
        register_parameter("weight", new Parameter(zeros(inputs, outputs, 3, 3)));
        register_parameter("bias", new Parameter(zeros(outputs)));
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor swapped = get_parameter("weight")!.transpose(0, 1);
        using Tensor kernel = swapped.flip(2, 3);
        return functional.conv2d(input, kernel, get_parameter("bias"), strides: [1, 1], padding: [1, 1]);
    }
}
