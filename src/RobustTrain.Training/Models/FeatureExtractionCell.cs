using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// HANet's feature extraction cell: a 3x3 convolution, and around batch normalisation, ReLU, 1x1 convolution and
/// batch normalisation a residual connection that ends in a ReLU.
/// </summary>
internal sealed class FeatureExtractionCell : Module<Tensor, Tensor>
{
    private readonly bool _ofEachImage;

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _widening;

    [ComponentName(Name = "bn1")]
    private readonly BatchNorm2d _norm1;

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _mixing;

    [ComponentName(Name = "bn2")]
    private readonly BatchNorm2d _norm2;

    public FeatureExtractionCell(int inputs, int outputs, bool ofEachImage)
        : base(nameof(FeatureExtractionCell))
    {
        _ofEachImage = ofEachImage;
        _widening = Conv2d(inputs, outputs, 3, padding: 1);
        _norm1 = BatchNorm2d(outputs);
        _mixing = Conv2d(outputs, outputs, 1, bias: false);
        _norm2 = BatchNorm2d(outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using Tensor widened = _widening.call(input);
        using Tensor normalised = EncoderNormalization.Apply(_norm1, widened, _ofEachImage);
        using Tensor activated = functional.relu(normalised);
        using Tensor mixed = _mixing.call(activated);
        using Tensor residual = EncoderNormalization.Apply(_norm2, mixed, _ofEachImage);
        using Tensor sum = widened + residual;
        return functional.relu(sum);
    }
}
