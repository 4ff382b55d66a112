using RobustTrain.Runs;
using RobustTrain.Runs.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Optimizers;

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
