using RobustTrain.Training.Checkpoints.SafeTensors;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>A network's parameters and buffers, under the names of its <c>state_dict</c>.</summary>
/// <param name="model">The network.</param>
internal sealed class WeightsPart(nn.Module model) : ICheckpointPart
{
    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        draft.AddFile(Checkpoint.WeightsFile);
        foreach ((string name, Tensor tensor) in model.state_dict())
            draft.Add(Checkpoint.WeightsFile, name, tensor);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        using SafeTensorsReader file = archive.OpenTensors(Checkpoint.WeightsFile);
        Dictionary<string, Tensor> tensors = model.state_dict();
        if (file.Entries.Keys.FirstOrDefault(name => !tensors.ContainsKey(name)) is { } unknown)
            throw archive.OtherModel($"it has a tensor '{unknown}', which the model lacks");
        foreach ((string name, Tensor tensor) in tensors)
            archive.CopyTo(file, name, tensor);
    }
}
