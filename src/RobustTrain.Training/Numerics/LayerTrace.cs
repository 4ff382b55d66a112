using static TorchSharp.torch;

namespace RobustTrain.Training.Numerics;

/// <summary>Watches the layers of a network during one forward pass.</summary>
internal static class LayerTrace
{
    /// <summary>The name of the first layer whose output holds a value that is not finite; null where none does.</summary>
    /// <param name="model">The network.</param>
    /// <param name="forward">Runs the forward pass.</param>
    public static string? FirstNotFinite(nn.Module model, Action forward)
    {
        string? first = null;
        List<Action> removals = [];
        foreach ((string name, nn.Module module) in model.named_modules())
        {
            if (module is not nn.Module<Tensor, Tensor> layer || module.named_children().Any())
                continue;
            var hook = layer.register_forward_hook((_, _, output) =>
            {
                if (first is null && !FaultSearch.IsFinite(output))
                    first = name;
                return output;
            });
            removals.Add(hook.remove);
        }

        try
        {
            forward();
        }
        finally
        {
            removals.ForEach(remove => remove());
        }

        return first;
    }
}
