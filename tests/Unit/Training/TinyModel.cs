using RobustTrain.Training.Onnx;
using RobustTrain.Training.Tasks.ChangeDetection.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

/// <summary>Two convolutions, over as many samples at once as fit, with batch normalisation and what a test makes of the features between them.</summary>
internal sealed class TinyModel : ChangeDetectionModel
{
    private readonly int _fits;
    private readonly Func<Tensor, Tensor>? _between;
    private readonly Conv2d _first = nn.Conv2d(6, 3, 3, padding: 1);
    private readonly Conv2d _second = nn.Conv2d(3, 2, 1);
    private readonly BatchNorm2d? _norm;
    private readonly Func<int>? _norms;

    /// <summary>A network.</summary>
    /// <param name="fits">The samples that fit.</param>
    /// <param name="between">What is made of the features; null for nothing.</param>
    /// <param name="norms">How often a forward pass normalises them; null for a network without normalisation.</param>
    public TinyModel(int fits, Func<Tensor, Tensor>? between, Func<int>? norms = null)
        : base("tiny")
    {
        _fits = fits;
        _between = between;
        _norms = norms;
        register_module("first", _first);
        register_module("second", _second);
        if (norms is not null)
        {
            register_module("norm", _norm = nn.BatchNorm2d(3));
            register_buffer("seen", Seen);
        }

        InitializeWeights(1);
    }

    /// <summary>A buffer, which the network leaves as it is.</summary>
    public Tensor Seen { get; } = zeros(1).DetachFromDisposeScope();

    public override Tensor forward(Tensor image1, Tensor image2)
    {
        if (image1.shape[0] > _fits)
            throw new OutOfMemoryException("as if");
        Tensor features = _first.call(cat([image1, image2], 1));
        for (int left = _norms?.Invoke() ?? 0; left > 0; left--)
            features = _norm!.call(features);
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
