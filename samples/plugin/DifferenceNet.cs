using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Squares;

/// <summary>Two convolutions over how much two images differ.</summary>
internal sealed class DifferenceNet : Module<Tensor, Tensor, Tensor>
{
    private readonly Conv2d _first;
    private readonly Conv2d _last;

    public DifferenceNet(int channels, int classes, int features)
        : base(nameof(DifferenceNet))
    {
        _first = Conv2d(channels, features, 3, padding: 1);
        _last = Conv2d(features, classes, 3, padding: 1);
        RegisterComponents();
    }

    /// <summary>Logits N x K x H x W of two images N x C x H x W.</summary>
    public override Tensor forward(Tensor image1, Tensor image2) =>
        _last.call(functional.relu(_first.call((image1 - image2).abs())));
}
