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

    /// <inheritdoc/>
    public void BeginStage(CheckpointArchive former) => Load(former);
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
/// <param name="model">The network.</param>
/// <param name="head">What the names of the parameters begin with that give the classes: of weights for another number of classes they are left as they are; null where there are none.</param>
/// <param name="classes">The network's number of classes.</param>
internal sealed class StartingWeights(nn.Module model, string? head, int classes)
{
    private readonly Dictionary<string, Tensor> _tensors = model.state_dict();
    private readonly SortedSet<string> _left = new(StringComparer.Ordinal);
    private long _otherClasses;

    /// <summary>Loads weights into the network.</summary>
    /// <param name="path">A run's folder (its best checkpoint, else its latest), a checkpoint's, or a safetensors file.</param>
    /// <returns>The file or the checkpoint that they come from, and a sentence where not all of them were taken.</returns>
    /// <exception cref="RunException">There are no such weights, they are damaged, or they belong to another network.</exception>
    public (string From, string? Warning) Load(string path)
    {
        string from = File.Exists(path) ? LoadFile(path) : LoadArchive(OpenArchive(path));
        return (from, _left.Count == 0 ? null : $"The weights in {from} are for {_otherClasses} classes, and model.classes is {classes}: {string.Join(" and ", _left)} are not taken from them, but begin at random.");
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

    private string LoadArchive(CheckpointArchive archive)
    {
        using (SafeTensorsReader file = archive.OpenTensors(Checkpoint.WeightsFile))
            Copy(file, _tensors.Keys, archive.OtherModel);
        if (archive.Has(Checkpoint.AverageFile))
        {
            using SafeTensorsReader average = archive.OpenTensors(Checkpoint.AverageFile);
            Copy(average, model.named_parameters().Select(parameter => parameter.name), archive.OtherModel);
        }

        return archive.Checkpoint.Path;
    }

    private string LoadFile(string path)
    {
        try
        {
            using SafeTensorsReader file = SafeTensorsReader.Open(path);
            Copy(file, _tensors.Keys, difference => OtherModel(path, difference));
            return path;
        }
        catch (Exception broken) when (broken is SafeTensorsException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(CheckpointException.Damaged, $"trainer.start_from can't be read: {broken.Message}", path, broken);
        }
    }

    private void Copy(SafeTensorsReader file, IEnumerable<string> names, Func<string, CheckpointException> mismatch)
    {
        if (file.Entries.Keys.FirstOrDefault(name => !_tensors.ContainsKey(name)) is { } unknown)
            throw mismatch($"it has a tensor '{unknown}', which the model lacks");
        foreach (string name in names)
        {
            if (IsOfOtherClasses(file, name))
                _left.Add(name);
            else
                HostTensors.Copy(file, name, _tensors[name], mismatch);
        }
    }

    // Whether a tensor differs in nothing but the number of classes, the same one in all of them.
    private bool IsOfOtherClasses(SafeTensorsReader file, string name)
    {
        if (head is null || !name.StartsWith(head, StringComparison.Ordinal) || !file.Entries.TryGetValue(name, out SafeTensorsEntry? entry))
            return false;
        long[] wanted = _tensors[name].shape;
        int[] differing = entry.Shape.Count == wanted.Length ? [.. Enumerable.Range(0, wanted.Length).Where(side => entry.Shape[side] != wanted[side])] : [];

        // A transposed convolution's weights have what comes out second, all others first.
        if (differing is not [var dimension] || wanted[dimension] != classes || (_otherClasses != 0 && _otherClasses != entry.Shape[dimension]))
            return false;
        _otherClasses = entry.Shape[dimension];
        return true;
    }

    private static CheckpointException OtherModel(string path, string difference) =>
        new(CheckpointException.OtherModel, $"The weights in {path} are of another model: {difference}.", path);

    private static CheckpointException Missing(string problem, string path) =>
        new(CheckpointException.NotFound, $"trainer.start_from has no weights: {problem}.", path);
}
