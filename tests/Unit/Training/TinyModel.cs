using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Two convolutions, over as many samples at once as fit, with what a test makes of the features between them.</summary>
internal sealed class TinyModel : ChangeDetectionModel
{
    private readonly int _fits;
    private readonly Func<Tensor, Tensor>? _between;
    private readonly Conv2d _first = nn.Conv2d(6, 3, 3, padding: 1);
    private readonly Conv2d _second = nn.Conv2d(3, 2, 1);

    public TinyModel(int fits, Func<Tensor, Tensor>? between)
        : base("tiny")
    {
        _fits = fits;
        _between = between;
        register_module("first", _first);
        register_module("second", _second);
        InitializeWeights(1);
    }

    public override Tensor forward(Tensor image1, Tensor image2)
    {
        if (image1.shape[0] > _fits)
            throw new OutOfMemoryException("as if");
        Tensor features = _first.call(cat([image1, image2], 1));
        return _second.call(_between is null ? features : _between(features));
    }

    internal override void InitializeWeights(long seed)
    {
        using IDisposable noGrad = no_grad();
        using var generator = new Generator((ulong)seed);
        foreach (Parameter parameter in parameters())
            parameter.uniform_(-0.5, 0.5, generator);
    }

    internal override string Describe(OnnxGraph graph, string image1, string image2) => throw new NotSupportedException();
}
