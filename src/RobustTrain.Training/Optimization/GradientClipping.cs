using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimization;

/// <summary>Measures the gradient, and keeps it within bounds.</summary>
/// <param name="parameters">The parameters that are learned.</param>
/// <param name="maxNorm">The greatest L2 norm over all parameters; null for any.</param>
/// <param name="maxValue">The greatest magnitude of a value; null for any.</param>
internal sealed class GradientClipping(IReadOnlyList<Parameter> parameters, double? maxNorm, double? maxValue)
{
    // As torch.nn.utils.clip_grad_norm_ has it.
    private const double Epsilon = 1e-6;

    /// <summary>The gradient's L2 norm over all parameters; NaN or infinite where one of its values is.</summary>
    public double Norm()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor[] norms = [.. Gradients().Select(gradient => gradient.norm())];
        return norms.Length == 0 ? 0 : stack(norms).norm().ToDouble();
    }

    /// <summary>Multiplies the gradient.</summary>
    public void Scale(double factor)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (Tensor gradient in Gradients())
            gradient.mul_(factor);
    }

    /// <summary>Scales the gradient down to the greatest norm, then cuts its values.</summary>
    /// <param name="norm">What <see cref="Norm"/> said.</param>
    public void Apply(double norm)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (maxNorm is double limit && norm > limit)
        {
            foreach (Tensor gradient in Gradients())
                gradient.mul_(limit / (norm + Epsilon));
        }

        if (maxValue is double value)
        {
            foreach (Tensor gradient in Gradients())
                gradient.clamp_(-value, value);
        }
    }

    private IEnumerable<Tensor> Gradients() => parameters.Select(parameter => parameter.grad).OfType<Tensor>();
}
