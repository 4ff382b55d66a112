using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>A convolution, batch normalisation, ReLU and Dropout2d, in this order; the modules belong to the network that registered them.</summary>
internal sealed class ConvolutionBlock(nn.Module<Tensor, Tensor> convolution, BatchNorm2d norm, double dropout, bool ofEachImage)
{
    public Tensor Apply(Tensor input, bool training)
    {
        using Tensor convolved = convolution.call(input);
        using Tensor normalised = EncoderNormalization.Apply(norm, convolved, ofEachImage);
        Tensor activated = functional.relu(normalised);
        if (!training || dropout == 0) return activated;

        using (activated) return functional.dropout2d(activated, dropout, training);
    }
}
