using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RobustTrain.Training.Tasks.SuperResolution.Losses;

/// <summary>
/// Real-ESRGAN's discriminator (Wang et al., 2021, section 3.3): a U-Net with spectral normalisation that says of each pixel whether its
/// surroundings are of a true image. It takes N x C x H x W whose sides divide by <see cref="Stride"/>, and gives logits N x 1 x H x W.
/// </summary>
/// <remarks>Parameters and buffers carry the names and shapes of BasicSR's UNetDiscriminatorSN, so that public weights load.</remarks>
internal sealed class UNetDiscriminator : nn.Module<Tensor, Tensor>
{
    /// <summary>By what the sides of its images must divide: it halves them three times.</summary>
    public const int Stride = 8;

    private const double NegativeSlope = 0.2;

    [ComponentName(Name = "conv0")]
    private readonly Conv2d _first;

    private readonly SpectralConvolution[] _down;
    private readonly SpectralConvolution[] _up;
    private readonly SpectralConvolution[] _even;

    [ComponentName(Name = "conv9")]
    private readonly Conv2d _last;

    /// <summary>Builds it, on the CPU; its weights are a pure function of the seed.</summary>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="features">Features at the images' own size; each halving doubles them. The authors' are 64.</param>
    /// <param name="seed">The seed of its first weights.</param>
    public UNetDiscriminator(int channels, int features, long seed)
        : base("unet-discriminator")
    {
        _first = Conv2d(channels, features, 3, padding: 1);
        _down = [new(features, 2 * features, 4, stride: 2), new(2 * features, 4 * features, 4, stride: 2), new(4 * features, 8 * features, 4, stride: 2)];
        _up = [new(8 * features, 4 * features, 3), new(4 * features, 2 * features, 3), new(2 * features, features, 3)];
        _even = [new(features, features, 3), new(features, features, 3)];
        _last = Conv2d(features, 1, 3, padding: 1);
        SpectralConvolution[] spectral = [.. _down, .. _up, .. _even];
        for (int i = 0; i < spectral.Length; i++)
            register_module($"conv{i + 1}", spectral[i]);
        RegisterComponents();
        WeightInitialization.KaimingUniform(this, seed);
        for (int i = 0; i < spectral.Length; i++)
            spectral[i].Initialize(seed, $"conv{i + 1}");
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor images)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor[] skips = [Activated(_first.call(images)), null!, null!];
        Tensor features = skips[0];
        for (int i = 0; i < _down.Length; i++)
        {
            features = Activated(_down[i].call(features));
            if (i + 1 < skips.Length)
                skips[i + 1] = features;
        }

        for (int i = 0; i < _up.Length; i++)
        {
            Tensor doubled = functional.interpolate(features, scale_factor: [2, 2], mode: InterpolationMode.Bilinear, align_corners: false);
            features = Activated(_up[i].call(doubled)) + skips[^(i + 1)];
        }

        foreach (SpectralConvolution convolution in _even)
            features = Activated(convolution.call(features));
        return _last.call(features).MoveToOuterDisposeScope();
    }

    /// <summary>Whether what is computed from now on carries gradients of the discriminator's own weights.</summary>
    public void Learns(bool learns)
    {
        foreach (Parameter parameter in parameters())
            parameter.requires_grad = learns;
    }

    private static Tensor Activated(Tensor features) => functional.leaky_relu(features, NegativeSlope);
}

/// <summary>
/// A convolution without bias whose weight is divided by its largest singular value (Miyato, Kataoka, Koyama, Yoshida: Spectral
/// Normalization for Generative Adversarial Networks, ICLR 2018, algorithm 1), as <c>torch.nn.utils.spectral_norm</c> computes it: one
/// power iteration in each forward pass of training, whose vectors are the buffers <c>weight_u</c> and <c>weight_v</c>.
/// </summary>
internal sealed class SpectralConvolution : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-12;

    private const string Weight = "weight_orig";
    private const string Left = "weight_u";
    private const string Right = "weight_v";

    private readonly long _stride;

    /// <summary>Builds it; <see cref="Initialize"/> sets its values.</summary>
    public SpectralConvolution(int inputs, int outputs, int side, int stride = 1)
        : base(nameof(SpectralConvolution))
    {
        _stride = stride;
        register_parameter(Weight, Parameter(zeros(outputs, inputs, side, side)));
        register_buffer(Left, zeros(outputs));
        register_buffer(Right, zeros(inputs * side * side));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor features)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor weight = get_parameter(Weight)!;
        Tensor left = get_buffer(Left)!;
        Tensor right = get_buffer(Right)!;
        Tensor matrix = weight.flatten(1);
        if (training)
        {
            // Values of their own: the buffers change again before the gradient has gone back.
            using IDisposable noGrad = no_grad();
            (Tensor bufferLeft, Tensor bufferRight) = (left, right);
            right = Normalised((matrix * left.unsqueeze(1)).sum(dim: 0));
            left = Normalised((matrix * right).sum(dim: 1));
            bufferLeft.copy_(left);
            bufferRight.copy_(right);
        }

        Tensor largest = (left * (matrix * right).sum(dim: 1)).sum();
        return functional.conv2d(features, weight / largest, strides: [_stride, _stride], padding: [1, 1]).MoveToOuterDisposeScope();
    }

    /// <summary>Sets the weight as PyTorch does by default, and the vectors to random directions.</summary>
    public void Initialize(long seed, string name)
    {
        using IDisposable scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor weight = get_parameter(Weight)!;
        double bound = 1 / Math.Sqrt(weight.numel() / weight.shape[0]);
        WeightInitialization.Fill(weight, seed, $"{name}.{Weight}", (values, generator) => values.uniform_(-bound, bound, generator));
        foreach (string buffer in (string[])[Left, Right])
        {
            Tensor vector = get_buffer(buffer)!;
            WeightInitialization.Fill(vector, seed, $"{name}.{buffer}", (values, generator) => values.normal_(0, 1, generator));
            vector.copy_(Normalised(vector));
        }
    }

    private static Tensor Normalised(Tensor vector) => vector / vector.norm().clamp_min(Epsilon);
}
