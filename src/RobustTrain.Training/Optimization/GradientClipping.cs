using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimization;

/// <summary>Measures the gradient, and keeps it within bounds.</summary>
/// <param name="parameters">The parameters that are learned.</param>
/// <param name="maxNorm">The greatest L2 norm over all parameters; null for any.</param>
/// <param name="maxRatio">The greatest ratio of a unit's gradient to its weights, both by L2 norm; null for any.</param>
/// <param name="maxValue">The greatest magnitude of a value; null for any.</param>
internal sealed class GradientClipping(IReadOnlyList<Parameter> parameters, double? maxNorm, double? maxRatio, double? maxValue)
{
    // As torch.nn.utils.clip_grad_norm_ has it.
    private const double Epsilon = 1e-6;

    // The least norm that weights count with, so that those at 0 can begin to learn (Brock et al., 2021, section 4).
    private const double LeastWeights = 1e-3;

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

    /// <summary>Scales the gradient down to the greatest norm, then each unit's to the greatest ratio, then cuts its values.</summary>
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

        if (maxRatio is double ratio)
        {
            foreach (Parameter parameter in parameters.Where(parameter => parameter.grad is not null))
            {
                using var each = NewDisposeScope();
                Tensor most = UnitNorms(parameter).clamp_min(LeastWeights).mul_(ratio);
                Tensor norms = UnitNorms(parameter.grad!);
                parameter.grad!.mul_((most / norms.clamp_min(Epsilon)).clamp_max_(1));
            }
        }

        if (maxValue is double value)
        {
            foreach (Tensor gradient in Gradients())
                gradient.clamp_(-value, value);
        }
    }

    // A unit is what one value of a layer's output is computed with: all that the first dimension counts; a vector is one unit.
    private static Tensor UnitNorms(Tensor values) => values.dim() <= 1
        ? values.norm()
        : values.square().sum([.. Enumerable.Range(1, (int)values.dim() - 1).Select(dimension => (long)dimension)], keepdim: true).sqrt();

    private IEnumerable<Tensor> Gradients() => parameters.Select(parameter => parameter.grad).OfType<Tensor>();
}
