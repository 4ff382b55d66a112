using RobustTrain.Training.Checkpoints.SafeTensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>Brings a network to the weights of a checkpoint that are meant to be used: the moving average where there is one.</summary>
internal static class EvaluatedWeights
{
    /// <summary>Loads parameters and buffers.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another network.</exception>
    public static void Load(nn.Module model, CheckpointArchive archive)
    {
        new WeightsPart(model).Load(archive);
        if (!archive.Has(Checkpoint.AverageFile))
            return;
        using SafeTensorsReader file = archive.OpenTensors(Checkpoint.AverageFile);
        foreach ((string name, Parameter parameter) in model.named_parameters())
            archive.CopyTo(file, name, parameter);
    }
}
