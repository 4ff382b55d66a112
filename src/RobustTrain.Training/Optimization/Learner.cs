using System.Text.RegularExpressions;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints;
using RobustTrain.Training.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimization;

/// <summary>A network, what is learned of it, and what changes it. It owns all of them.</summary>
/// <param name="Model">The network, on its device.</param>
/// <param name="Learned">The parameters that are not frozen, in the optimiser's order.</param>
/// <param name="Optimizer">The optimiser over them.</param>
/// <param name="Average">The moving average of the weights; null where none is kept.</param>
internal sealed record Learner(
    nn.Module Model, IReadOnlyList<(string Name, Parameter Parameter)> Learned, OptimizerHelper Optimizer, WeightAverage? Average) : IDisposable
{
    /// <summary>What checkpoints hold of it.</summary>
    public IEnumerable<ICheckpointState> States => StatesIn(Checkpoint.WeightsFile, Checkpoint.OptimizerFile);

    /// <summary>What checkpoints hold of it, in files of these names.</summary>
    public IEnumerable<ICheckpointState> StatesIn(string weights, string optimizer) => new ICheckpointState?[]
    {
        new WeightsState(Model, weights), Average, new OptimizerState(Optimizer, [.. Learned.Select(named => named.Name)], optimizer),
    }.OfType<ICheckpointState>();

    /// <summary>The learner that a configuration asks for.</summary>
    /// <exception cref="RunException">A pattern of <c>trainer.freeze</c> matches nothing, or the optimiser is unknown.</exception>
    public static Learner Of(nn.Module model, TrainingConfig config)
    {
        (string Name, Parameter Parameter)[] learned = ParameterFreezing.Apply(model, config.Trainer.Freeze);
        return new Learner(
            model, learned, OptimizerFactory.Create(config.Optimizer, learned.Select(named => named.Parameter)),
            config.Trainer.EmaDecay is double decay ? new WeightAverage(model, decay) : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Optimizer.Dispose();
        Average?.Dispose();
        Model.Dispose();
    }
}

/// <summary>Makes the optimiser that a configuration asks for.</summary>
internal static class OptimizerFactory
{
    /// <summary>An optimiser over <paramref name="parameters"/>, which must be on their device already.</summary>
    /// <exception cref="RunException">The algorithm is unknown.</exception>
    public static OptimizerHelper Create(OptimizerConfig config, IEnumerable<Parameter> parameters) => config.Name switch
    {
        "sgd" => optim.SGD(parameters, config.LearningRate, config.Momentum, weight_decay: config.WeightDecay),
        "adam" => optim.Adam(parameters, config.LearningRate, config.Beta1, config.Beta2, weight_decay: config.WeightDecay),
        "adamw" => optim.AdamW(parameters, config.LearningRate, config.Beta1, config.Beta2, weight_decay: config.WeightDecay),
        _ => throw new RunException(
            ExitCode.Configuration, "OptimizerUnknown",
            $"optimizer.name is '{config.Name}', but must be sgd, adam or adamw.", "optimizer.name"),
    };
}

/// <summary>Takes parameters out of the learning by patterns of their names; <c>*</c> stands for any text.</summary>
internal static class ParameterFreezing
{
    /// <summary>Freezes what the patterns match.</summary>
    /// <returns>The parameters that are still learned, with their names.</returns>
    /// <exception cref="RunException">A pattern matches no parameter, or nothing is left to learn.</exception>
    public static (string Name, Parameter Parameter)[] Apply(nn.Module model, IReadOnlyList<string> patterns)
    {
        (string Name, Parameter Parameter)[] all = [.. model.named_parameters().Select(named => (named.name, named.parameter))];
        var frozen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string pattern in patterns)
        {
            var expression = new Regex($"^{Regex.Escape(pattern).Replace("\\*", ".*")}$", RegexOptions.CultureInvariant);
            string[] matched = [.. all.Select(named => named.Name).Where(name => expression.IsMatch(name))];
            if (matched.Length == 0)
            {
                throw new RunException(
                    ExitCode.Configuration, "FreezeMatchesNothing",
                    $"trainer.freeze has the pattern '{pattern}', which matches no parameter; the parameters are {string.Join(", ", all.Take(8).Select(named => named.Name))}{(all.Length > 8 ? ", …" : "")}.{Hint(pattern, all.Select(named => named.Name))}",
                    "trainer.freeze");
            }

            frozen.UnionWith(matched);
        }

        foreach ((_, Parameter parameter) in all.Where(named => frozen.Contains(named.Name)))
            parameter.requires_grad = false;
        return all.Length > frozen.Count
            ? [.. all.Where(named => !frozen.Contains(named.Name))]
            : throw new RunException(ExitCode.Configuration, "FreezeLeavesNothing", "trainer.freeze freezes every parameter, so that nothing would be learned.", "trainer.freeze");
    }

    // A pattern mostly names a module and all below it.
    private static string Hint(string pattern, IEnumerable<string> names)
    {
        string[] known = [.. names.SelectMany(name => name.Split('.').Select((_, parts) => string.Join('.', name.Split('.').Take(parts + 1)))).Distinct()];
        string typed = pattern.TrimEnd('*').TrimEnd('.');
        IEnumerable<string> beginnings = names.Where(name => pattern.EndsWith('*') && name.Length > typed.Length).Select(name => name[..typed.Length]);
        return NearestName.Of(typed, known.Concat(beginnings)) is { } near ? $" Did you mean '{near}{(pattern.EndsWith('*') ? "*" : "")}'?" : "";
    }
}
