using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Models;

/// <summary>
/// HANet's fusion of the two images' features at one scale: grouped 3x3 convolutions with dilations 1 to 4 side by side,
/// then channel attention, and row attention over column attention, added up. The modules belong to the network that registered them.
/// </summary>
internal sealed class FusionStage
{
    /// <summary>The channels between which channel attention looks, at every scale.</summary>
    private const int AttentionChannels = 32;

    private readonly Conv2d[] _dilated = new Conv2d[4];
    private readonly Conv2d _mixing;
    private readonly Module<Tensor, Tensor> _channelAttention;
    private readonly LineAttention _rowAttention;
    private readonly LineAttention _columnAttention;

    /// <summary>Registers the modules of a scale, from 1, under the names that HANet's implementation gives them.</summary>
    public FusionStage(Module network, int scale, int width)
    {
        for (int i = 0; i < _dilated.Length; i++)
        {
            int dilation = i + 1;
            _dilated[i] = Conv2d(2 * width, width, 3, padding: dilation, dilation: dilation, groups: width / 2);
            network.register_module($"conv6_{scale}_{dilation}", _dilated[i]);
        }

        _mixing = Conv2d(_dilated.Length * width, width, 1);
        _channelAttention = Sequential(
            ("attn", Sequential(
                Conv2d(width, AttentionChannels, 3, padding: 1), BatchNorm2d(AttentionChannels), PReLU(1),
                new ChannelAttention(),
                Conv2d(AttentionChannels, width, 3, padding: 1), BatchNorm2d(width), PReLU(1))));
        _rowAttention = new LineAttention(width, rows: true);
        _columnAttention = new LineAttention(width, rows: false);
        network.register_module($"conv{scale}_1", _mixing);
        network.register_module($"cam_attention_{scale}", _channelAttention);
        network.register_module($"row_attention_{scale}", _rowAttention);
        network.register_module($"col_attention_{scale}", _columnAttention);
    }

    public Tensor Apply(Tensor features1, Tensor features2)
    {
        using Tensor fused = Fuse(features1, features2);
        using Tensor amongChannels = _channelAttention.call(fused);
        using Tensor amongColumns = _columnAttention.call(fused);
        using Tensor amongRows = _rowAttention.call(amongColumns);
        return amongChannels + amongRows;
    }

    private Tensor Fuse(Tensor features1, Tensor features2)
    {
        using Tensor pair = cat([features1, features2], 1);
        Tensor[] dilated = new Tensor[_dilated.Length];
        for (int i = 0; i < dilated.Length; i++) dilated[i] = _dilated[i].call(pair);

        using Tensor together = cat(dilated, 1);
        foreach (Tensor part in dilated) part.Dispose();
        return _mixing.call(together);
    }
}
