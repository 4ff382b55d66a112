using RobustTrain.Training.Models;
using RobustTrain.Training.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Numerics;

/// <summary>Looks for the first value that is not finite: in the inputs, the weights, the layers' outputs, the gradients.</summary>
internal static class FaultSearch
{
    /// <summary>Where a forward pass first holds a value that is not finite, as a sentence without its full stop; null where it is only in the criterion.</summary>
    public static string? InForward(ChangeDetectionModel model, BatchTensors batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (!IsFinite(batch.Image1))
            return "the first images hold values that are not finite";
        if (!IsFinite(batch.Image2))
            return "the second images hold values that are not finite";
        if (model.state_dict().FirstOrDefault(named => !IsFinite(named.Value)) is { Key: { } name })
            return $"the weights '{name}' are not finite before the step";
        return LayerTrace.FirstNotFinite(model, () => model.call(batch.Image1, batch.Image2).Dispose()) is { } layer
            ? $"the first layer whose output is not finite is '{layer}'"
            : null;
    }

    /// <summary>The first parameter whose gradient is not finite, as such a sentence.</summary>
    public static string? InGradients(IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((string name, Parameter parameter) in parameters)
        {
            if (parameter.grad is { } gradient && !IsFinite(gradient))
                return $"the first parameter whose gradient is not finite is '{name}'";
        }

        return null;
    }

    internal static bool IsFinite(Tensor values) => values.isfinite().all().item<bool>();
}
