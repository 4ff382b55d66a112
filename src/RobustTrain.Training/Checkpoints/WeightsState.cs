using RobustTrain.Runs;
using RobustTrain.Training.Checkpoints.SafeTensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RobustTrain.Training.Checkpoints;

/// <summary>A network's parameters and buffers, under the names of its <c>state_dict</c>.</summary>
/// <param name="model">The network.</param>
/// <param name="file">The file that holds them.</param>
internal sealed class WeightsState(nn.Module model, string file = Checkpoint.WeightsFile) : ICheckpointState
{
    /// <inheritdoc/>
    public void Save(CheckpointDraft draft)
    {
        draft.AddFile(file);
        foreach ((string name, Tensor tensor) in model.state_dict())
            draft.Add(file, name, tensor);
    }

    /// <inheritdoc/>
    public void Load(CheckpointArchive archive)
    {
        using SafeTensorsReader tensorFile = archive.OpenTensors(file);
        Dictionary<string, Tensor> tensors = model.state_dict();
        if (tensorFile.Entries.Keys.FirstOrDefault(name => !tensors.ContainsKey(name)) is { } unknown)
            throw archive.OtherModel($"it has a tensor '{unknown}', which the model lacks");
        foreach ((string name, Tensor tensor) in tensors)
            archive.CopyTo(tensorFile, name, tensor);
    }
}

/// <summary>Brings a network to the weights of a checkpoint that are meant to be used: the moving average where there is one.</summary>
internal static class EvaluatedWeights
{
    /// <summary>Loads parameters and buffers.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another network.</exception>
    public static void Load(nn.Module model, CheckpointArchive archive)
    {
        new WeightsState(model).Load(archive);
        if (!archive.Has(Checkpoint.AverageFile))
            return;
        using SafeTensorsReader file = archive.OpenTensors(Checkpoint.AverageFile);
        foreach ((string name, Parameter parameter) in model.named_parameters())
            archive.CopyTo(file, name, parameter);
    }
}

/// <summary>The weights of another training, from which a training starts.</summary>
internal static class StartingWeights
{
    /// <summary>Loads weights into a network.</summary>
    /// <param name="model">The network.</param>
    /// <param name="path">A run's folder (its best checkpoint, else its latest), a checkpoint's, or a safetensors file.</param>
    /// <returns>The file or the checkpoint that they come from.</returns>
    /// <exception cref="RunException">There are no such weights, they are damaged, or they belong to another network.</exception>
    public static string Load(nn.Module model, string path)
    {
        if (File.Exists(path))
        {
            LoadFile(model, path);
            return path;
        }

        CheckpointArchive archive = OpenArchive(path);
        EvaluatedWeights.Load(model, archive);
        return archive.Checkpoint.Path;
    }

    private static CheckpointArchive OpenArchive(string path)
    {
        if (File.Exists(Path.Combine(path, Checkpoint.ManifestFile)))
            return CheckpointArchive.Open(CheckpointStore.Open(path));
        if (!RunFolder.IsRun(path))
            throw Missing($"{(Directory.Exists(path) ? $"'{path}' is no such folder" : $"there is nothing at '{path}'")}; a run's or a checkpoint's folder or a safetensors file is expected", path);
        var store = new CheckpointStore(RunFolder.CheckpointsPathOf(path));
        return store.OpenBest(Ignore) ?? store.OpenLatest(Ignore) ?? throw Missing($"the run '{path}' has no checkpoint yet", path);

        // A damaged checkpoint of another run is that run's to report; a good one before it serves as well.
        static void Ignore(string warning)
        {
        }
    }

    private static void LoadFile(nn.Module model, string path)
    {
        try
        {
            using SafeTensorsReader file = SafeTensorsReader.Open(path);
            Dictionary<string, Tensor> tensors = model.state_dict();
            if (file.Entries.Keys.FirstOrDefault(name => !tensors.ContainsKey(name)) is { } unknown)
                throw OtherModel(path, $"it has a tensor '{unknown}', which the model lacks");
            foreach ((string name, Tensor tensor) in tensors)
                HostTensors.Copy(file, name, tensor, difference => OtherModel(path, difference));
        }
        catch (Exception broken) when (broken is SafeTensorsException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointException.Damaged, $"trainer.start_from can't be read: {broken.Message}", path, broken);
        }
    }

    private static CheckpointException OtherModel(string path, string difference) =>
        new(CheckpointException.OtherModel, $"The weights in {path} are of another model: {difference}.", path);

    private static CheckpointException Missing(string problem, string path) =>
        new(CheckpointException.NotFound, $"trainer.start_from has no weights: {problem}.", path);
}
